package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/custody"
)

type verification struct {
	Case     string   `json:"case"`
	Whole    bool     `json:"whole"`
	Files    int      `json:"files"`
	Bytes    int64    `json:"bytes"`
	Entries  int      `json:"entries"`
	Head     string   `json:"head"`
	Problems []string `json:"problems"`
}

func verifyCommand(a *app) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:     "verify DIR",
		Short:   "Check the evidence of a case: every file's hash, the manifest, the custody log's chain",
		GroupID: "cases",
		Long: `Checks a case directory with nothing but itself. The hash that is printed last is the head of the custody log: it
also stands in Temporal's history, where nobody who can write to the directory can change it.`,
		Example: `  firebreak verify evidence/pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f
  firebreak verify --output json evidence/pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		RunE: func(c *cobra.Command, args []string) error {
			v, err := a.verify(c.Context(), args[0])
			if err != nil {
				return err
			}
			return a.verified(v, out)
		},
	}
	out.flag(c, "text", "json")
	return c
}

func (a *app) verify(ctx context.Context, dir string) (verification, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return verification{}, err
	}
	if info, err := os.Stat(filepath.Join(dir, custody.LogName)); err != nil || info.IsDir() {
		return verification{}, wrongf("%q is no case directory: it holds no %s", dir, custody.LogName)
	}
	store, err := custody.Open(filepath.Dir(dir), a.now)
	if err != nil {
		return verification{}, err
	}
	c, err := store.Case(filepath.Base(dir))
	if err != nil {
		return verification{}, wrong(err)
	}
	v := verification{Case: c.ID(), Problems: []string{}}
	if problems := c.Verify(ctx); problems != nil {
		if errors.Is(problems, context.Canceled) {
			return verification{}, problems
		}
		v.Problems = strings.Split(problems.Error(), "\n")
	}
	v.Whole = len(v.Problems) == 0
	v.count(c)
	return v, nil
}

func (v *verification) count(c *custody.Case) {
	entries, err := c.Log()
	if err != nil {
		return // Verify has said so
	}
	v.Entries = len(entries)
	for _, e := range entries {
		if e.Action == custody.Added {
			v.Files++
			v.Bytes += e.Item.Size
		}
		v.Head = e.Hash
	}
}

func (a *app) verified(v verification, out output) error {
	if out.json() {
		if err := printJSON(a.stdout, v); err != nil {
			return err
		}
	} else {
		a.printVerification(v)
	}
	if !v.Whole {
		return said(exitWrong)
	}
	return nil
}

func (a *app) printVerification(v verification) {
	p := palette{a.colours()}
	for _, problem := range v.Problems {
		fmt.Fprintf(a.stdout, "%s  %s\n", p.red("wrong"), safe(problem))
	}
	word := p.green("whole")
	if !v.Whole {
		word = p.red("not whole")
	}
	fmt.Fprintf(a.stdout, "%s  %s: %d files, %s, %d log entries\nhead   %s\n", word, safe(v.Case), v.Files,
		quantity(v.Bytes, "bytes"), v.Entries, v.Head)
}
