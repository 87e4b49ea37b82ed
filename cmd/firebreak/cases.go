package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/workflows/cases"
)

func casesCommand(a *app) *cobra.Command {
	var out output
	var f cases.Filter
	c := &cobra.Command{
		Use:     "cases",
		Short:   "List cases, the newest first",
		GroupID: "cases",
		Example: `  firebreak cases
  firebreak cases --open
  firebreak cases --node ip-10-0-1-23.ec2.internal
  firebreak cases --output json --limit 1000`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.connect(nil, func(d desk) error { return a.list(c.Context(), d, f, out) })
		},
	}
	out.flag(c, "text", "json")
	c.Flags().BoolVar(&f.OpenOnly, "open", false, "only cases that still run")
	c.Flags().StringVar(&f.Cluster, "cluster", "", "only cases of this cluster")
	c.Flags().StringVar(&f.Node, "node", "", "only cases whose alert came from this node, or that changed it")
	c.Flags().IntVar(&f.Limit, "limit", 100, "at most this many")
	return c
}

func (a *app) list(ctx context.Context, d desk, f cases.Filter, out output) error {
	list, err := d.List(ctx, f)
	if err != nil {
		return err
	}
	if out.json() {
		return printJSON(a.stdout, append([]cases.Case{}, list...))
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no cases")
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CASE\tSTATUS\tPHASE\tCLUSTER\tSTARTED (UTC)\tTOOK\tABOUT")
	for _, c := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", safe(c.ID), caseStatus(c), safe(c.Phase), safe(c.Cluster),
			c.Started.UTC().Format(time.DateTime), a.duration(c), safe(c.Summary))
	}
	return w.Flush()
}

func caseStatus(c cases.Case) string {
	text := string(c.Status)
	if c.Outcome != "" && !c.Open() {
		text = safe(c.Outcome)
	}
	if c.Drill {
		text += " (drill)"
	}
	return text
}

func (a *app) duration(c cases.Case) string {
	if c.Ended.IsZero() {
		return span(a.now().Sub(c.Started)) + " so far"
	}
	return span(c.Ended.Sub(c.Started))
}

// completeCase completes the ids of cases; open asks for those that still run.
func completeCase(a *app, open bool) cobra.CompletionFunc {
	return completeOne(func(c *cobra.Command) []string {
		var ids []string
		ctx, cancel := context.WithTimeout(c.Context(), 2*time.Second)
		defer cancel()
		_ = a.connect(nil, func(d desk) error { // a completion that fails completes nothing
			list, err := d.List(ctx, cases.Filter{OpenOnly: open})
			for _, one := range list {
				ids = append(ids, one.ID+"\t"+caseStatus(one))
			}
			return err
		})
		return ids
	})
}
