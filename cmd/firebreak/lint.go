package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/compile"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func lintCommand(a *app) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:     "lint FILE|FOLDER…",
		Short:   "Check playbooks: everything that is wrong, at its place, in one pass",
		GroupID: "playbooks",
		Long: `Checks playbooks without running them. A folder means every playbook in it and below it: all .yaml and .yml files
but tests (X.test.yaml) and firebreak.yaml; - means standard input. It ends with 1 if anything is wrong. What is allowed and
probably not meant, such as a playbook that does not keep its history, is a warning on standard error.

With --output github the problems show in a pull request; with --output sarif they are a SARIF 2.1.0 log for code scanning.`,
		Example: `  firebreak lint playbooks/pod-compromise.yaml
  firebreak lint --output sarif playbooks/ > firebreak.sarif
  cat playbook.yaml | firebreak lint -`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeYAML,
		RunE: func(_ *cobra.Command, args []string) error {
			problems, err := a.lint(args)
			if err != nil {
				return err
			}
			return a.problems(problems, out)
		},
	}
	out.flag(c, "text", "json", "sarif", "github")
	return c
}

func completeYAML(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// patience is how much garbage may gather, in percent of what is in use: compiling makes much of it and keeps little.
const patience = 800

// linted is what became of one file.
type linted struct {
	problems []syntax.Problem
	warnings []string
	err      error
}

// lint checks files and folders, as many at once as there are processors.
func (a *app) lint(args []string) ([]syntax.Problem, error) {
	names, err := playbookFiles(args)
	if err != nil {
		return nil, err
	}
	a.shelf, a.types = newShelf(), compile.NewTypes()
	defer debug.SetGCPercent(debug.SetGCPercent(patience))
	results := make([]linted, len(names))
	spread(len(names), func(i int) { results[i] = a.lintOne(names[i]) })
	var problems []syntax.Problem
	var failed []error
	for _, r := range results {
		problems, failed = append(problems, r.problems...), append(failed, r.err)
		for _, warning := range r.warnings {
			fmt.Fprintf(a.stderr, "warning: %s\n", safeLines(warning))
		}
	}
	return problems, unread(errors.Join(failed...))
}

func (a *app) lintOne(name string) linted {
	raw, err := a.readBounded(name, syntax.MaxBytes)
	if err != nil {
		return linted{err: fmt.Errorf("playbook: %w", err)}
	}
	if name == "-" {
		name = stdin
	}
	compiled, problems := a.compile(source{name, raw})
	return linted{problems: problems, warnings: compile.Warnings(compiled)}
}

// spread does n things on all processors, and returns when all are done.
func spread(n int, do func(i int)) {
	next := make(chan int)
	var wait sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wait.Wait()
}

// playbookFiles names the files that are meant: a file as it is, and of a folder the playbooks in it and below it.
func playbookFiles(args []string) ([]string, error) {
	var names []string
	for _, arg := range args {
		found, err := playbooksBelow(arg)
		if err != nil {
			return nil, unread(fmt.Errorf("playbook: %w", err))
		}
		if len(found) == 0 {
			return nil, wrongf("the folder %q holds no playbook", arg)
		}
		names = append(names, found...)
	}
	return names, nil
}

func playbooksBelow(arg string) ([]string, error) {
	if arg == "-" {
		return []string{arg}, nil
	}
	info, err := os.Stat(arg)
	if err != nil || !info.IsDir() {
		return []string{arg}, err
	}
	var names []string
	root := strings.TrimSuffix(arg, "/") + "/" // also through a link
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != root && entry.IsDir() && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case !entry.IsDir() && isPlaybook(entry.Name()):
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// isPlaybook tells a playbook by its file's name: a playbook's tests and the configuration stand beside it and are none.
func isPlaybook(name string) bool {
	stem, yaml := strings.CutSuffix(name, ".yaml")
	if !yaml {
		stem, yaml = strings.CutSuffix(name, ".yml")
	}
	return yaml && !strings.HasSuffix(stem, ".test") && stem != "firebreak"
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
