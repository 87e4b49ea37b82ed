package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/workflows/cases"
)

func showCommand(a *app) *cobra.Command {
	var out output
	var history bool
	c := &cobra.Command{
		Use:     "show CASE",
		Short:   "Show a case: its timeline, what was found, what it waits for",
		GroupID: "cases",
		Long: `Shows a case. CASE is the case's id, the id of its workflow (the newest run is meant), or the beginning of either.
With --history it prints the run's whole history as JSON, as Temporal's own tools write it.`,
		Example: `  firebreak show pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f
  firebreak show pod-compromise-1a2b --output json
  firebreak show pod-compromise-1a2b --history > history.json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeCase(a, false),
		RunE: func(c *cobra.Command, args []string) error {
			return a.connect(nil, func(d desk) error { return a.show(c.Context(), d, args[0], history, out) })
		},
	}
	out.flag(c, "text", "json")
	c.Flags().BoolVar(&history, "history", false, "print the run's history as JSON")
	return c
}

func (a *app) show(ctx context.Context, d desk, reference string, history bool, out output) error {
	found, err := d.Find(ctx, reference)
	if err != nil {
		return err
	}
	if history {
		_, err := d.Export(ctx, found.Workflow, found.Run, a.stdout)
		return err
	}
	view, err := d.View(ctx, found)
	if err != nil {
		return err
	}
	if out.json() {
		return printJSON(a.stdout, shown{view, d.webUI(found.Workflow, found.Run), d.evidence(found.ID)})
	}
	page := a.summary(d, view.State)
	page.waits = view.Unattended
	return page.writeTo(a.stdout)
}

// shown is a case with the places to read on.
type shown struct {
	cases.View

	WebUI    string `json:"webUI,omitempty"`
	Evidence string `json:"evidence,omitempty"`
}
