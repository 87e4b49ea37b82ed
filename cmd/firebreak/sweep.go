package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
	"github.com/firebreak-ir/firebreak/workflows/schedules"
)

type sweepFlags struct {
	cluster, schedule, timezone string
	out                         output
}

func sweepCommand(a *app) *cobra.Command {
	var f sweepFlags
	c := &cobra.Command{
		Use:     "sweep",
		Short:   "Find isolations, policies and cordons that belong to no open case",
		GroupID: "cases",
		Long: `Asks the cluster's worker for everything that Firebreak has changed and not taken back, and names what belongs to no open case:
a case that was terminated runs no finally, and one that ended may have been forgotten. Nothing is changed; firebreak undo takes
a closed case's changes back. The command ends with 1 where something was found.

With --schedule the sweep is made by the clock as well: its runs stand in Temporal's lists with the outcome "nothing found" or
"orphans found", and where the configuration has notify, people are told of new orphans, and once a day of those that stay.`,
		Example: `  firebreak sweep
  firebreak sweep --cluster prod --output json
  firebreak sweep --schedule "0 * * * *"`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.sweep(c.Context(), f) },
	}
	c.Flags().StringVar(&f.cluster, "cluster", "", "the cluster (default the configured one)")
	c.Flags().StringVar(&f.schedule, "schedule", "", "sweep by the clock from now on, at these times (cron)")
	c.Flags().StringVar(&f.timezone, "timezone", "", "time zone of --schedule (default UTC)")
	f.out.flag(c, "text", "json")
	return c
}

func (a *app) sweep(ctx context.Context, f sweepFlags) error {
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	if f.cluster == "" {
		f.cluster = cfg.Cluster
	}
	if f.schedule != "" {
		return a.scheduling(cfg, func(s *schedules.Schedules) error {
			done, err := s.Apply(ctx, schedules.Apply{
				Wanted: []schedules.Wanted{schedules.Sweep(f.cluster, f.schedule, f.timezone, len(cfg.Notify) > 0)}, Cluster: f.cluster, By: a.person,
				Playbooks: []string{"-"}, // looks at no playbook's schedules
			})
			return errors.Join(err, a.applied(done, applyFlags{out: f.out}))
		})
	}
	return a.connected(cfg, nil, func(d desk) error {
		result, err := d.Sweep(ctx, f.cluster)
		if err != nil {
			return err
		}
		return a.swept(result, f.out)
	})
}

// swept prints what was found and, for each case, what can be done.
func (a *app) swept(r workflows.SweepResult, out output) error {
	if out.json() {
		if err := printJSON(a.stdout, r); err != nil {
			return err
		}
	} else {
		a.sweptText(r)
	}
	if len(r.Orphans) > 0 || r.More > 0 {
		return said(exitWrong)
	}
	return nil
}

func (a *app) sweptText(r workflows.SweepResult) {
	if len(r.Orphans) == 0 && r.More == 0 {
		fmt.Fprintf(a.stdout, "%s: nothing that belongs to no open case (%d changes of open cases stand)\n", safe(r.Cluster), r.Found)
		return
	}
	fmt.Fprintf(a.stdout, "%s: %d of %d changes belong to no open case\n", safe(r.Cluster), len(r.Orphans), r.Found)
	if r.More > 0 {
		fmt.Fprintf(a.stdout, "%d more were not looked at: undo what is listed, then sweep again\n", r.More)
	}
	var seen []string
	for _, o := range r.Orphans {
		if slices.Contains(seen, o.Case) {
			continue
		}
		seen = append(seen, o.Case)
		fmt.Fprintf(a.stdout, "\n%s\n", orphanHead(o))
		for _, same := range r.Orphans {
			if same.Case == o.Case {
				fmt.Fprintf(a.stdout, "  %s  %s\n", safe(objectName(same.Isolated)), safe(same.Mark))
			}
		}
	}
}

// orphanHead names a case and says what to do.
func orphanHead(o workflows.Orphan) string {
	switch {
	case o.Case == "":
		return "of no case that its mark names: look at who made it, and take it back by hand"
	case o.Standing == cases.CaseClosed:
		return fmt.Sprintf("case %s has ended: firebreak undo %s", safe(o.Case), safe(o.Case))
	}
	return fmt.Sprintf("case %s is not known to Temporal any more: take its changes back by hand, by what its evidence says", safe(o.Case))
}

func objectName(i workflows.Isolated) string {
	if i.Namespace == "" {
		return i.Kind + " " + i.Name
	}
	return i.Kind + " " + i.Namespace + "/" + i.Name
}
