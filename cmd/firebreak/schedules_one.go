package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/workflows/schedules"
)

// schedulesDecide is pause or resume.
func schedulesDecide(a *app, verb, short string, do func(*schedules.Schedules, context.Context, string, string, string) error) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:     verb + " ID",
		Short:   short,
		Example: fmt.Sprintf("  firebreak schedules %s pod-compromise-weekly-drill@prod --reason \"release week\"", verb),
		Args:    cobra.ExactArgs(1), ValidArgsFunction: completeSchedule(a),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withSchedules(func(s *schedules.Schedules) error {
				if err := do(s, c.Context(), args[0], a.person, reason); err != nil {
					return err
				}
				_, err := fmt.Fprintf(a.stdout, "%s: %sd\n", safe(args[0]), verb)
				return err
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it becomes the schedule's note")
	return c
}

func schedulesTrigger(a *app) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:   "trigger ID",
		Short: "Start a schedule's run now",
		Long: `Starts a run now, as if it were due, also of a paused schedule. The overlap policy holds: where it is skip and a run is going
on, none is started, and the command ends with 1.`,
		Example: `  firebreak schedules trigger pod-compromise-weekly-drill@prod
  firebreak watch $(firebreak schedules trigger pod-compromise-weekly-drill@prod -o json | jq -r .case)`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: completeSchedule(a),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withSchedules(func(s *schedules.Schedules) error {
				run, started, err := s.Trigger(c.Context(), args[0])
				switch {
				case err != nil:
					return err
				case !started:
					return wrongf("schedule %q started nothing: a run of it is going on, and its overlap policy does not start another", args[0])
				case out.json():
					return printJSON(a.stdout, run)
				case run.Case == "":
					_, err = fmt.Fprintf(a.stdout, "started %s\n", safe(run.Workflow))
					return err
				}
				_, err = fmt.Fprintf(a.stdout, "opened case %s\nwatch it: firebreak watch %s\n", safe(run.Case), safe(run.Case))
				return err
			})
		},
	}
	out.flag(c, "text", "json")
	return c
}

func schedulesDelete(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "delete ID",
		Short:   "Remove a schedule; the cases that it opened stay",
		Example: "  firebreak schedules delete pod-compromise-weekly-drill@prod",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: completeSchedule(a),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withSchedules(func(s *schedules.Schedules) error {
				if err := s.Delete(c.Context(), args[0]); err != nil {
					return err
				}
				_, err := fmt.Fprintf(a.stdout, "%s: deleted\n", safe(args[0]))
				return err
			})
		},
	}
}

func (a *app) withSchedules(do func(*schedules.Schedules) error) error {
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	return a.scheduling(cfg, do)
}

func completeSchedule(a *app) cobra.CompletionFunc {
	return completeOne(func(c *cobra.Command) []string {
		var ids []string
		ctx, cancel := context.WithTimeout(c.Context(), 2*time.Second)
		defer cancel()
		_ = a.withSchedules(func(s *schedules.Schedules) error { // a completion that fails completes nothing
			list, err := s.List(ctx, "")
			for _, one := range list {
				ids = append(ids, one.ID+"\t"+one.Cron)
			}
			return err
		})
		return ids
	})
}
