package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

func drillsCommand(a *app) *cobra.Command {
	var out output
	var f cases.DrillFilter
	c := &cobra.Command{
		Use:     "drills [PLAYBOOK]",
		Short:   "Show past drills, how they did against slo, and the trend",
		GroupID: "cases",
		Long: `Lists drills with their scores: for each phase that the playbook's slo names, how long after its start the drill was through it,
and whether that was in time. The trend is over the drills that are listed, the oldest first.`,
		Example: `  firebreak drills
  firebreak drills pod-compromise --limit 10 --output json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				f.Playbook = args[0]
			}
			return a.connect(nil, func(d desk) error { return a.drills(c.Context(), d, f, out) })
		},
	}
	out.flag(c, "text", "json")
	c.Flags().StringVar(&f.Cluster, "cluster", "", "only drills of this cluster")
	c.Flags().IntVar(&f.Limit, "limit", 20, "at most this many, the newest ones")
	return c
}

func (a *app) drills(ctx context.Context, d desk, f cases.DrillFilter, out output) error {
	list, err := d.Drills(ctx, f)
	if err != nil {
		return err
	}
	trends := cases.Trends(list)
	if out.json() {
		return printJSON(a.stdout, struct {
			Trends []cases.Trend `json:"trends"`
			Drills []cases.Drill `json:"drills"`
		}{append([]cases.Trend{}, trends...), append([]cases.Drill{}, list...)})
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no drills")
		return err
	}
	for _, t := range trends {
		fmt.Fprintln(a.stdout, trendLine(t))
	}
	if len(trends) > 0 {
		fmt.Fprintln(a.stdout)
	}
	return a.drillTable(list)
}

// trendLine is such as "pod-compromise on lab: contain within 5m0s: 2m10s → 1m55s; met 2 of 2".
func trendLine(t cases.Trend) string {
	var times []string
	for _, s := range t.Took {
		times = append(times, brief(s))
	}
	text := "never through"
	if len(times) > 0 {
		text = strings.Join(times[max(0, len(times)-8):], " → ")
	}
	return fmt.Sprintf("%s on %s: %s within %s: %s; met %d of %d", safe(t.Playbook), safe(t.Cluster), safe(t.Phase), brief(t.Within), text,
		t.Met, t.Met+t.Missed)
}

// brief is a number of seconds such as 1m55s; below ten seconds with a tenth.
func brief(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func (a *app) drillTable(list []cases.Drill) error {
	phases := phasesOf(list)
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "CASE\tSTATUS\tSTARTED (UTC)\t%sHELD\n", strings.ToUpper(strings.Join(append(phases, ""), "\t")))
	for _, d := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t", safe(d.ID), caseStatus(d.Case), d.Started.UTC().Format(time.DateTime))
		for _, phase := range phases {
			fmt.Fprintf(w, "%s\t", objectiveOf(d, phase))
		}
		fmt.Fprintln(w, brief(d.Held))
	}
	return w.Flush()
}

// phasesOf are the phases that any of the drills was measured by, in their order.
func phasesOf(list []cases.Drill) []string {
	return slices.DeleteFunc(plan.Phases(), func(phase string) bool {
		return !slices.ContainsFunc(list, func(d cases.Drill) bool {
			return slices.ContainsFunc(d.Objectives, func(o activities.Objective) bool { return o.Phase == phase })
		})
	})
}

func objectiveOf(d cases.Drill, phase string) string {
	for _, o := range d.Objectives {
		switch {
		case o.Phase != phase:
		case o.Took == 0:
			return safe(o.Status)
		default:
			return brief(o.Took) + " " + safe(o.Status)
		}
	}
	return "–"
}
