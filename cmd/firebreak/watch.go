package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

func watchCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "watch CASE",
		Short:   "Watch a case until it ends",
		GroupID: "cases",
		Long: `Shows each step as it ends and, on a terminal, how far long work is. When the case has ended it prints the timeline,
what was found and where to read on. A case that is held is waited for. Interrupting the watch leaves the case alone.

Ends with 0 when the case completed, and with 1 when it failed or was canceled.`,
		Example: `  firebreak watch pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f
  firebreak watch pod-compromise-1a2b`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeCase(a, true),
		RunE: func(c *cobra.Command, args []string) error {
			return a.connect(nil, func(d desk) error {
				found, err := d.Find(c.Context(), args[0])
				if err != nil {
					return err
				}
				return a.watch(c.Context(), d, found)
			})
		},
	}
}

func (a *app) watch(ctx context.Context, d desk, of cases.Case) error {
	fmt.Fprintf(a.stdout, "case %s\n", safe(of.ID))
	if address := d.webUI(of.Workflow, of.Run); address != "" {
		fmt.Fprintf(a.stdout, "%s\n", safe(address))
	}
	v := newView(a.system)
	last, err := d.Watch(ctx, of, 400*time.Millisecond, func(m cases.View) error {
		v.show(m)
		return nil
	})
	v.close()
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(a.stderr, "no longer watching; the case goes on: firebreak watch %s\n", safe(of.ID))
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	if err := a.summary(d, last.State).writeTo(a.stdout); err != nil {
		return err
	}
	if last.Status != workflows.Completed {
		return said(exitWrong)
	}
	return nil
}
