package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

func abortCommand(a *app) *cobra.Command {
	var f decideFlags
	c := &cobra.Command{
		Use:     "abort CASE --reason WHY",
		Short:   "End a case early: nothing new is started, evidence is sealed, containment stays",
		GroupID: "cases",
		Long: `Ends a case, held or not. Captures in flight stop gracefully, the playbook's finally runs, and everything stays
contained: firebreak undo takes the changes back. Who aborted it, and why, becomes part of the record. Where finally
runs already, only those of its steps that are held are ended.

Where no worker answers, the case is canceled instead, which comes to the same, but person and reason may not be recorded.`,
		Example:           `  firebreak abort pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f --reason "false positive, see ticket 4711"`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeCase(a, true),
		RunE: func(c *cobra.Command, args []string) error {
			if f.remote.url != "" {
				return a.decideOver(c.Context(), args[0], workflows.Decision{Action: workflows.AbortCase, Reason: f.reason}, f)
			}
			return a.connect(nil, func(d desk) error { return a.abort(c.Context(), d, args[0], f) })
		},
	}
	f.flags(c, "why; it becomes part of the record")
	_ = c.MarkFlagRequired("reason")
	return c
}

func (a *app) abort(ctx context.Context, d desk, reference string, f decideFlags) error {
	found, err := d.Find(ctx, reference)
	if err != nil {
		return err
	}
	if !found.Open() {
		return wrongf("case %s has ended already: %s", found.ID, caseStatus(found))
	}
	what, err := a.signed(d, found, workflows.Decision{Action: workflows.AbortCase, Reason: f.reason}, f.key)
	if err != nil {
		return err
	}
	err = d.Decide(ctx, found, what)
	if errors.Is(err, cases.ErrNoWorker) {
		fmt.Fprintln(a.stderr, "no worker answers for the case: it is canceled instead, once one runs; your name and the reason "+
			"may be missing in its record")
		err = d.Cancel(ctx, found)
	}
	if err != nil {
		return unsignedDecision(err, what)
	}
	_, err = fmt.Fprintf(a.stdout, "%s: asked to end; watch it: firebreak watch %s\n", safe(found.ID), safe(found.ID))
	return err
}
