package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/schedules"
)

func schedulesCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "schedules",
		Short:   "Run playbooks by the clock: drills, and whatever else is due",
		GroupID: "serve",
		Long: `Keeps Temporal's schedules in step with the schedule triggers of the loaded playbooks. A schedule's id is
PLAYBOOK-TRIGGER@CLUSTER. Its runs run the plan that was compiled when it was applied last: an edited playbook changes them
once it is applied again.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(schedulesApply(a), schedulesList(a),
		schedulesDecide(a, "pause", "Let a schedule start nothing until it is resumed", (*schedules.Schedules).Pause),
		schedulesDecide(a, "resume", "Let a paused schedule go on", (*schedules.Schedules).Resume),
		schedulesTrigger(a), schedulesDelete(a))
	return c
}

type applyFlags struct {
	dryRun, prune bool
	out           output
}

func schedulesApply(a *app) *cobra.Command {
	var f applyFlags
	c := &cobra.Command{
		Use:   "apply [PLAYBOOK…]",
		Short: "Create and update the schedules of the loaded playbooks",
		Long: `Compiles the loaded playbooks, or those named, and brings their schedules in step: what is missing is created, what differs is
updated in place, so that a pause stays, and what is as it should be is not touched. A schedule whose trigger is gone is named,
and removed with --prune.`,
		Example: `  firebreak schedules apply
  firebreak schedules apply pod-compromise --dry-run
  firebreak schedules apply --prune --output json`,
		RunE: func(c *cobra.Command, args []string) error { return a.applySchedules(c.Context(), args, f) },
	}
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "change nothing, say what would be done")
	c.Flags().BoolVar(&f.prune, "prune", false, "remove the schedules whose trigger is gone")
	f.out.flag(c, "text", "json")
	return c
}

func (a *app) applySchedules(ctx context.Context, names []string, f applyFlags) error {
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	wanted, playbooks, err := a.wantedSchedules(cfg, names)
	if err != nil {
		return err
	}
	return a.scheduling(cfg, func(s *schedules.Schedules) error {
		done, err := s.Apply(ctx, schedules.Apply{
			Wanted: wanted, Cluster: cfg.Cluster, Playbooks: playbooks, By: a.person, DryRun: f.dryRun, Prune: f.prune,
		})
		if err != nil && len(done) == 0 {
			return err
		}
		return errors.Join(err, a.applied(done, f))
	})
}

// wantedSchedules compiles the playbooks that are meant. The names are empty where all loaded ones are.
func (a *app) wantedSchedules(cfg config.Config, names []string) (list []schedules.Wanted, playbooks []string, err error) {
	var plans []plan.Plan
	if len(names) == 0 {
		if plans, err = a.loaded(cfg); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range names {
		p, err := a.playbook(cfg, name)
		if err != nil {
			return nil, nil, err
		}
		plans, playbooks = append(plans, p), append(playbooks, p.Name)
	}
	people, err := a.authority(cfg)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range plans {
		inputs, err := plan.CheckInputs(p, cfg.Inputs[p.Name])
		if err != nil && slices.ContainsFunc(p.Triggers, func(t plan.Trigger) bool { return t.Schedule != nil }) {
			return nil, nil, wrongf("playbook %q: %w", p.Name, err)
		}
		its, err := schedules.Of(workflows.Input{Plan: p, Cluster: cfg.Cluster, Inputs: inputs, Authority: people, Notify: len(cfg.Notify) > 0})
		if err != nil {
			return nil, nil, wrong(err)
		}
		list = append(list, its...)
	}
	return list, playbooks, nil
}

func (a *app) applied(done []schedules.Change, f applyFlags) error {
	if f.out.json() {
		return printJSON(a.stdout, struct {
			DryRun    bool               `json:"dryRun"`
			Schedules []schedules.Change `json:"schedules"`
		}{f.dryRun, append([]schedules.Change{}, done...)})
	}
	if len(done) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no schedules: no loaded playbook has a schedule trigger")
		return err
	}
	for _, c := range done {
		verb := c.Change
		if f.dryRun && slices.Contains([]string{schedules.Created, schedules.Updated, schedules.Removed}, verb) {
			verb = "would be " + verb
		}
		if c.Paused {
			verb += " (paused)"
		}
		fmt.Fprintf(a.stdout, "%s: %s\n", safe(c.ID), verb)
		for _, why := range c.Why {
			fmt.Fprintf(a.stdout, "  %s\n", safe(why))
		}
	}
	return nil
}

func schedulesList(a *app) *cobra.Command {
	var out output
	var all bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List schedules: when they run next, and what they started last",
		Example: `  firebreak schedules list
  firebreak schedules list --all --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			cluster := cfg.Cluster
			if all {
				cluster = ""
			}
			return a.scheduling(cfg, func(s *schedules.Schedules) error {
				list, err := s.List(c.Context(), cluster)
				if err != nil {
					return err
				}
				return a.listSchedules(list, out)
			})
		},
	}
	out.flag(c, "text", "json")
	c.Flags().BoolVar(&all, "all", false, "those of every cluster")
	return c
}

func (a *app) listSchedules(list []schedules.Schedule, out output) error {
	if out.json() {
		return printJSON(a.stdout, append([]schedules.Schedule{}, list...))
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no schedules")
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SCHEDULE\tMODE\tCRON\tNEXT (UTC)\tLAST\tNOTE")
	for _, s := range list {
		next, last := "–", "–"
		if len(s.Next) > 0 {
			next = s.Next[0].UTC().Format(time.DateTime)
		}
		if s.Paused {
			next = "paused"
		}
		if len(s.Last) > 0 {
			if last = s.Last[0].Case; last == "" {
				last = s.Last[0].Workflow
			}
		}
		cron := s.Cron
		if s.Timezone != "" {
			cron += " " + s.Timezone
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", safe(s.ID), safe(s.Mode), safe(cron), next, safe(last), safe(s.Note))
	}
	return w.Flush()
}

// scheduling prepares the connection to the schedules and says what a person can do about an error.
func (a *app) scheduling(cfg config.Config, do func(*schedules.Schedules) error) error {
	return a.connected(cfg, nil, func(d desk) error {
		err := do(schedules.New(d.Client(), d.converter, a.now))
		switch {
		case errors.Is(err, schedules.ErrNotFound):
			return wrongf("%w; `firebreak schedules list --all` lists them", err)
		case errors.Is(err, schedules.ErrForeign), errors.Is(err, schedules.ErrUnprepared), errors.Is(err, schedules.ErrLocked):
			return wrong(err)
		}
		return err
	})
}
