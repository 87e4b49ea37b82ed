package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

//go:embed skeletons/*.yaml
var skeletons embed.FS

// kinds are the skeletons, the default one first.
func kinds() []string { return []string{"pod", "node", "minimal"} }

type newFlags struct {
	kind  string
	force bool
}

func newCommand(a *app) *cobra.Command {
	var f newFlags
	c := &cobra.Command{
		Use:     "new NAME",
		Short:   "Write the skeleton of a playbook, which compiles",
		GroupID: "playbooks",
		Long: `Writes NAME.yaml: a playbook that compiles and runs, to be changed into your own. A folder may stand before the name.

The kinds are: pod (isolate a pod, keep its logs), node (cordon a node, snapshot its volumes) and minimal (a ticket).`,
		Example: `  firebreak new crypto-mining
  firebreak new playbooks/stolen-node --kind node`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.newPlaybook(args[0], f) },
	}
	c.Flags().StringVar(&f.kind, "kind", kinds()[0], strings.Join(kinds(), ", "))
	c.Flags().BoolVar(&f.force, "force", false, "overwrite a file that is there")
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(kinds(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (a *app) newPlaybook(arg string, f newFlags) error {
	if !slices.Contains(kinds(), f.kind) {
		return usage(fmt.Errorf("there is no kind %q%s", f.kind, syntax.DidYouMean(f.kind, kinds())))
	}
	file := strings.TrimSuffix(arg, ".yaml") + ".yaml"
	text, err := skeleton(f.kind, strings.TrimSuffix(filepath.Base(file), ".yaml"))
	if err != nil {
		return err
	}
	if _, problems := a.compile(source{file, text}); len(problems) > 0 {
		return wrong(errors.New(problems[0].Message))
	}
	if err := create(file, text, f.force); err != nil {
		return err
	}
	return a.nextSteps(file)
}

func (a *app) nextSteps(file string) error {
	file, schema := safe(file), safe(filepath.Join(filepath.Dir(file), "playbook.schema.json"))
	w := tabwriter.NewWriter(a.stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "%s is there, and compiles. Next:\n\n", file)
	fmt.Fprintf(w, "  firebreak schema > %s\tan editor completes and checks with it\n", schema)
	fmt.Fprintf(w, "  firebreak activities\twhat a step can use\n")
	fmt.Fprintf(w, "  firebreak lint %s\teverything that is wrong, at its place\n", file)
	fmt.Fprintf(w, "  firebreak run %s --alert alert.json --dry-run\twhat it would change\n", file)
	return w.Flush()
}

// skeleton gives the text of a new playbook.
func skeleton(kind, name string) ([]byte, error) {
	raw, err := fs.ReadFile(skeletons, "skeletons/"+kind+".yaml")
	if err != nil {
		return nil, err
	}
	return bytes.Replace(raw, []byte("name: skeleton"), []byte("name: "+name), 1), nil
}

// create writes a file that is not there yet, or may be overwritten.
func create(file string, text []byte, force bool) error {
	if force {
		return unread(writeWhole(file, text, 0o644))
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return wrongf("%s is there already; choose another name, or overwrite it with --force", file)
	}
	if err != nil {
		return unread(err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
