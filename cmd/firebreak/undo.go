package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

func undoCommand(a *app) *cobra.Command {
	var out output
	var key string
	req := cases.UndoRequest{By: a.person}
	c := &cobra.Command{
		Use:     "undo CASE",
		Short:   "Take back what a case changed, the last change first",
		GroupID: "cases",
		Long: `Restores every label, selector, cordon and policy that the case changed to what it was before. Evidence, snapshots and
tickets stay, and objects of other people are not touched. What cannot be undone is named and does not stop the rest;
running undo again tries it again. A case that was opened with "people" in the configuration is aborted by a signed decision alone:
give --abort-held the key with --key.`,
		Example: `  firebreak undo pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f --reason "false positive"
  firebreak undo pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f --abort-held --key ann.key --output json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeCase(a, false),
		RunE: func(c *cobra.Command, args []string) error {
			return a.connect(nil, func(d desk) error { return a.undo(c.Context(), d, args[0], req, key, out) })
		},
	}
	out.flag(c, "text", "json")
	c.Flags().StringVar(&req.Reason, "reason", "", "why, for the record")
	c.Flags().BoolVar(&req.AbortHeld, "abort-held", false, "abort the case first where it is held; --key signs that")
	keyFlag(c, &key)
	return c
}

func (a *app) undo(ctx context.Context, d desk, reference string, req cases.UndoRequest, key string, out output) error {
	found, err := d.Find(ctx, reference)
	if err != nil {
		return err
	}
	var who signer
	if req.AbortHeld { // an undo by itself is signed by nobody
		if who, err = a.signer(d.config, key); err != nil {
			return err
		}
		req.By = who.subject
		req.Sign = func(what workflows.Decision) (workflows.Decision, error) { return a.signed(d, found, what, key) }
	}
	show := a.undone(out)
	result, err := d.Undo(ctx, found, req, show)
	if errors.Is(err, cases.ErrRefused) && !req.AbortHeld {
		return fmt.Errorf("%w; --abort-held aborts a held case, and `firebreak abort` ends a running one", err)
	}
	if err != nil {
		return unsigned(err, who)
	}
	if out.json() {
		if err := printJSON(a.stdout, result); err != nil {
			return err
		}
	} else {
		show(result)
		fmt.Fprintf(a.stdout, "%s: %s, %d changes\n", safe(found.ID), result.Outcome(), changes(result))
	}
	if result.Failures() > 0 {
		return said(exitWrong)
	}
	return nil
}

// changes counts the steps of an undo but its note in the custody log.
func changes(r workflows.UndoResult) int {
	n := 0
	for _, s := range r.Steps {
		if s.Activity != workflows.NoteUndo {
			n++
		}
	}
	return n
}

// undone prints each step of the undo once it is through.
func (a *app) undone(out output) func(workflows.UndoResult) {
	p, printed := palette{a.colours()}, map[string]bool{}
	return func(r workflows.UndoResult) {
		for _, s := range r.Steps {
			if out.json() || s.Status == activities.StepRunning || printed[s.Path] {
				continue
			}
			printed[s.Path] = true
			fmt.Fprintln(a.stdout, stepLine(p, s))
		}
	}
}
