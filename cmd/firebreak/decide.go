package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

func retryCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "retry CASE STEP",
		Short:   "Run a held step again",
		Example: "  firebreak retry pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f disks",
		Args:    cobra.ExactArgs(2),
	}
	return decision(a, c, workflows.RetryStep, "why, for the record")
}

func skipCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "skip CASE STEP --reason WHY",
		Short:   "Go on without a held step",
		Example: `  firebreak skip pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f disks --reason "taken by hand, ticket 4711"`,
		Args:    cobra.ExactArgs(2),
	}
	decision(a, c, workflows.SkipStep, "why; it becomes part of the record")
	_ = c.MarkFlagRequired("reason")
	return c
}

// decision makes a command that decides a held step.
func decision(a *app, c *cobra.Command, action workflows.Action, why string) *cobra.Command {
	var reason string
	c.GroupID = "cases"
	c.Flags().StringVar(&reason, "reason", "", why)
	c.ValidArgsFunction = completeHeld(a)
	c.RunE = func(c *cobra.Command, args []string) error {
		return a.connect(nil, func(d desk) error {
			found, err := d.Find(c.Context(), args[0])
			if err != nil {
				return err
			}
			return a.decide(c.Context(), d, found, workflows.Decision{Path: args[1], Action: action, Reason: reason, By: a.person})
		})
	}
	return c
}

func (a *app) decide(ctx context.Context, d desk, of cases.Case, decision workflows.Decision) error {
	if err := d.Decide(ctx, of, decision); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "%s: %s step %s; watch it: firebreak watch %s\n", safe(of.ID), decision.Action,
		safe(decision.Path), safe(of.ID))
	return err
}

// completeHeld completes the case, then the steps of it that wait for a decision.
func completeHeld(a *app) cobra.CompletionFunc {
	first := completeCase(a, true)
	return func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) != 1 {
			return first(c, args, typed)
		}
		var steps []string
		_ = a.connect(nil, func(d desk) error { // a completion that fails completes nothing
			found, err := d.Find(c.Context(), args[0])
			if err != nil {
				return err
			}
			state, err := d.State(c.Context(), found)
			for _, h := range state.Holds {
				steps = append(steps, h.Path+"\t"+h.Kind)
			}
			return err
		})
		return steps, cobra.ShellCompDirectiveNoFileComp
	}
}
