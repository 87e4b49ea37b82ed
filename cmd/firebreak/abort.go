package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/workflows"
)

func abortCommand(a *app) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:     "abort CASE --reason WHY",
		Short:   "End a case early: nothing new is started, evidence is sealed, containment stays",
		GroupID: "cases",
		Long: `Ends a case. A held case takes the abort as the decision on its held step; any other open case is canceled. Either
way captures in flight stop gracefully, the playbook's finally runs, and everything stays contained: firebreak undo
takes the changes back.`,
		Example:           `  firebreak abort pod-compromise-1a2b3c4d.5e6f7a8b --reason "false positive, see ticket 4711"`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeCase(a, true),
		RunE: func(c *cobra.Command, args []string) error {
			return a.connect(nil, func(d desk) error { return a.abort(c.Context(), d, args[0], reason) })
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it becomes part of the record")
	_ = c.MarkFlagRequired("reason")
	return c
}

func (a *app) abort(ctx context.Context, d desk, reference, reason string) error {
	found, err := d.Find(ctx, reference)
	if err != nil {
		return err
	}
	if !found.Open() {
		return wrongf("case %s has ended already: %s", found.ID, caseStatus(found))
	}
	state, err := d.State(ctx, found)
	if err != nil {
		return err
	}
	if len(state.Holds) > 0 {
		return a.decide(ctx, d, found, workflows.Decision{
			Path: state.Holds[0].Path, Action: workflows.AbortCase, Reason: reason, By: a.person,
		})
	}
	if err := d.Cancel(ctx, found); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s: asked to end; watch it: firebreak watch %s\n", safe(found.ID), safe(found.ID))
	return err
}
