package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/compile"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func lintCommand(a *app) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:     "lint FILE…",
		Short:   "Check playbooks: everything that is wrong, at its place, in one pass",
		GroupID: "playbooks",
		Long:    "Checks playbooks without running them. A folder means every playbook in it; - means standard input.",
		Example: `  firebreak lint playbooks/pod-compromise.yaml
  firebreak lint --output json playbooks/
  cat playbook.yaml | firebreak lint -`,
		Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(_ *cobra.Command, args []string) error {
			problems, err := a.lint(args)
			if err != nil {
				return err
			}
			return a.problems(problems, out)
		},
	}
	out.flag(c, "text", "json")
	return c
}

func (a *app) lint(args []string) ([]syntax.Problem, error) {
	var problems []syntax.Problem
	for _, arg := range args {
		sources, err := a.texts(arg)
		if err != nil {
			return nil, unread(err)
		}
		for _, s := range sources {
			compiled, found := a.compile(s)
			problems = append(problems, found...)
			if warning, large := compile.SizeWarning(compiled); large {
				fmt.Fprintf(a.stderr, "warning: %s\n", safe(warning))
			}
		}
	}
	return problems, nil
}

func (a *app) texts(arg string) ([]source, error) {
	if arg != "-" {
		return files(arg)
	}
	raw, err := io.ReadAll(io.LimitReader(a.stdin, syntax.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	return []source{{stdin, raw}}, nil
}

// readBounded reads a file that a person named, or standard input for "-".
func (a *app) readBounded(name string, most int64) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(a.stdin, most+1))
	}
	return readFile(name, most)
}

// readFile reads a file up to one byte more than it may have, which tells that it is too long.
func readFile(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}
