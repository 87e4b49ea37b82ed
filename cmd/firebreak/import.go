package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/cacao"
	"github.com/firebreak-ir/firebreak/playbooks/layout"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// mostCACAO is the largest playbook of CACAO that is read.
const mostCACAO = 4 << 20

type importFlags struct {
	write string
	force bool
	out   output
}

func importCommand(a *app) *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:     "import FILE",
		Short:   "Make the skeleton of a playbook from a CACAO 2.0 playbook",
		GroupID: "playbooks",
		Long: `Reads a CACAO Security Playbook 2.0 and prints a playbook in YAML; - means standard input. Manual commands become
approvals. What the language cannot say, such as commands of a shell or of an HTTP API, is never left out: a person is asked
to do it, and it is listed at its step as a comment, on standard error, and with --output json.

Ends with 1 if the playbook does not compile as it is; it is printed all the same.`,
		Example: `  firebreak import phishing.cacao.json > phishing.yaml
  firebreak import phishing.cacao.json --write playbooks/phishing.yaml
  firebreak import phishing.cacao.json --output json | jq .findings`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.importCACAO(args[0], f) },
	}
	c.Flags().StringVar(&f.write, "write", "", "file to write the playbook to, instead of standard output")
	c.Flags().BoolVar(&f.force, "force", false, "overwrite a file that is there")
	f.out.flag(c, "text", "json")
	return c
}

func (a *app) importCACAO(name string, f importFlags) error {
	raw, err := a.readBounded(name, mostCACAO)
	if err != nil {
		return unread(err)
	}
	s, err := cacao.Import(raw)
	if err != nil {
		return wrongf("%s: %w", name, err)
	}
	file := f.write
	if file == "" {
		file = s.Name + ".yaml"
	}
	if text, problems := layout.Format(file, s.Text); len(problems) == 0 {
		s.Text = text
	}
	_, problems := a.compile(source{file, s.Text})
	if f.write != "" {
		if err := create(f.write, s.Text, f.force); err != nil {
			return err
		}
	}
	return a.imported(s, problems, f)
}

// skeletonOf is what an import gives programs.
type skeletonOf struct {
	Playbook string           `json:"playbook"` // YAML
	Findings []cacao.Finding  `json:"findings"` // what is not expressed
	Problems []syntax.Problem `json:"problems"` // why it does not compile
}

// imported prints the skeleton, and then what people must look at.
func (a *app) imported(s cacao.Skeleton, problems []syntax.Problem, f importFlags) error {
	if f.out.json() {
		err := printJSON(a.stdout, skeletonOf{string(s.Text), append([]cacao.Finding{}, s.Findings...), append([]syntax.Problem{}, problems...)})
		if err == nil && len(problems) > 0 {
			err = said(exitWrong)
		}
		return err
	}
	if f.write == "" {
		if _, err := a.stdout.Write(s.Text); err != nil {
			return err
		}
	}
	for _, one := range s.Findings {
		fmt.Fprintln(a.stderr, safe(found(one)))
	}
	for _, p := range problems {
		fmt.Fprintln(a.stderr, safe(p.Error()))
	}
	fmt.Fprintf(a.stderr, "%d not expressed, %d problems\n", len(s.Findings), len(problems))
	if len(problems) > 0 {
		return said(exitWrong)
	}
	return nil
}

// found is a finding in one line.
func found(f cacao.Finding) string {
	line := f.Path + ": " + f.Message
	if f.Step != "" {
		line += " [step " + f.Step + "]"
	}
	return line
}
