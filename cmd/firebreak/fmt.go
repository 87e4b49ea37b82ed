package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/layout"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// formatting is what fmt does with files that are not in the one form.
type formatting struct {
	check bool // name them, and end with exitWrong
	diff  bool // show what would change
}

func fmtCommand(a *app) *cobra.Command {
	var f formatting
	c := &cobra.Command{
		Use:     "fmt FILE|FOLDER…",
		Short:   "Write playbooks in their one form: order of keys, indent, blank lines",
		GroupID: "playbooks",
		Long: `Rewrites playbooks in place and names those that changed. What a playbook says stays, and so do its comments, its
quotes and its line breaks; a comment moves with the key that it is about. A folder means every playbook in it and
below it; - reads standard input and writes to standard output. A file with a mistake in its YAML is left as it is.`,
		Example: `  firebreak fmt playbooks/
  firebreak fmt --check --diff playbooks/
  firebreak fmt - < playbook.yaml`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeYAML,
		RunE:              func(_ *cobra.Command, args []string) error { return a.format(args, f) },
	}
	c.Flags().BoolVar(&f.check, "check", false, "write nothing; name the files that would change and end with 1 if there are any")
	c.Flags().BoolVar(&f.diff, "diff", false, "write nothing; print what would change")
	return c
}

// format goes through all files, also behind one that is wrong.
func (a *app) format(args []string, f formatting) error {
	names, err := playbookFiles(args)
	if err != nil {
		return err
	}
	wrong := false
	for _, name := range names {
		switch ok, err := a.formatOne(name, f); {
		case err != nil:
			return unread(fmt.Errorf("playbook: %w", err))
		case !ok:
			wrong = true
		}
	}
	if wrong {
		return said(exitWrong)
	}
	return nil
}

// formatOne gives false for a file that is wrong or, if that was asked, not in the one form; all was said then.
func (a *app) formatOne(name string, f formatting) (bool, error) {
	before, err := a.readBounded(name, syntax.MaxBytes)
	if err != nil {
		return false, err
	}
	shown := name
	if name == "-" {
		shown = stdin
	}
	after, problems := layout.Format(shown, before)
	for _, p := range problems {
		fmt.Fprintln(a.stderr, safe(p.Error()))
	}
	switch {
	case len(problems) > 0:
		return false, nil
	case f.check || f.diff:
		return a.compareForms(shown, before, after, f)
	case name == "-":
		_, err := a.stdout.Write(after)
		return true, err
	case bytes.Equal(before, after):
		return true, nil
	}
	if err := replace(name, after); err != nil {
		return false, err
	}
	_, err = fmt.Fprintln(a.stdout, safe(name))
	return true, err
}

// compareForms says how a file differs from its one form.
func (a *app) compareForms(name string, before, after []byte, f formatting) (bool, error) {
	if bytes.Equal(before, after) {
		return true, nil
	}
	text := safe(name) + "\n"
	if f.diff {
		text = a.coloured(diff.Diff(name, before, name+" (formatted)", after))
	}
	_, err := fmt.Fprint(a.stdout, text)
	return !f.check, err
}

// coloured makes a diff fit for the terminal.
func (a *app) coloured(text []byte) string {
	p := palette{a.colours()}
	var b bytes.Buffer
	for line := range bytes.Lines(bytes.TrimSuffix(text, []byte("\n"))) {
		shown := safe(string(bytes.TrimSuffix(line, []byte("\n"))))
		switch line[0] {
		case '-':
			shown = p.red(shown)
		case '+':
			shown = p.green(shown)
		case '@':
			shown = p.cyan(shown)
		}
		b.WriteString(shown + "\n")
	}
	return b.String()
}

// replace writes a file whole or not at all, and keeps its mode. Behind a link the file itself is written.
func replace(name string, data []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return writeWhole(name, data, info.Mode().Perm())
}

// writeWhole writes beside the file and then renames, so that nobody sees half of it.
func writeWhole(name string, data []byte, mode os.FileMode) error {
	scratch, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(scratch.Name())
	_, err = scratch.Write(data)
	err = errors.Join(err, scratch.Chmod(mode), scratch.Sync(), scratch.Close())
	if err != nil {
		return err
	}
	return os.Rename(scratch.Name(), name)
}
