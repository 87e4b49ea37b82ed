package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

func planCommand(a *app) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:     "plan PLAYBOOK --alert FILE",
		Short:   "Show what a playbook would do to the live cluster and account, and change nothing",
		GroupID: "playbooks",
		Long: `Runs the playbook with the alert as a dry run, through the same workers, and prints what each step would change as a
difference. Nothing is written: each activity only reads and reports. Approvals are assumed to be given, waits are over at
once, guards say whether they would trip; a step that fails is told and passed over.

Ends with 1 where a step failed or a guard would trip.`,
		Example: `  firebreak plan pod-compromise --alert alert.json
  firebreak plan ./playbooks/pod.yaml --alert alert.json --output json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			f.dryRun = true
			id, in, err := a.prepare(cfg, args[0], f)
			if err != nil {
				return err
			}
			in.Authority, in.Notify = nil, false // nobody is asked
			return a.connected(cfg, nil, func(d desk) error { return a.plan(c.Context(), d, id, in, f.out) })
		},
	}
	c.Flags().StringVar(&f.alert, "alert", "", "file with the alert, or - for standard input")
	c.Flags().StringArrayVar(&f.inputs, "input", nil, "an input as name=value; may be given several times")
	_ = c.MarkFlagRequired("alert")
	f.out.flag(c, "text", "json")
	return c
}

// foreseen is what a dry run tells.
type foreseen struct {
	Case     string                  `json:"case"`
	Playbook string                  `json:"playbook"`
	Steps    []ahead                 `json:"steps"`
	Guards   []activities.GuardCheck `json:"guards,omitempty"`
	Changes  int                     `json:"changes"`
	Wrong    int                     `json:"wrong"` // steps that failed and guards that would trip
}

// ahead is one step of a dry run.
type ahead struct {
	Path     string   `json:"path"`
	Phase    string   `json:"phase"`
	Activity string   `json:"activity,omitempty"`
	Status   string   `json:"status"`
	Summary  string   `json:"summary,omitempty"`
	Error    string   `json:"error,omitempty"`
	Would    []change `json:"would,omitempty"`
	Asks     string   `json:"asks,omitempty"`  // whom a live run asks what, and what is assumed here
	Waits    string   `json:"waits,omitempty"` // for what a live run waits
}

type change struct {
	Object string `json:"object"`
	Field  string `json:"field"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
}

func (a *app) plan(ctx context.Context, d desk, id string, in workflows.Input, out output) error {
	started, err := d.Start(ctx, id, in)
	if err != nil {
		return err
	}
	last, err := a.rehearsed(ctx, d, cases.Case{ID: started.Case, Workflow: started.Workflow, Run: started.Run})
	if err != nil {
		return err
	}
	seen := foresee(in.Plan, last.State)
	if out.json() {
		err = printJSON(a.stdout, seen)
	} else {
		err = seen.writeTo(a.stdout, palette{a.colours()})
	}
	if err == nil && seen.Wrong > 0 {
		return said(exitWrong)
	}
	return err
}

// rehearsed waits for the end of a dry run, and passes over what it holds at.
func (a *app) rehearsed(ctx context.Context, d desk, of cases.Case) (cases.View, error) {
	return d.Watch(ctx, of, 200*time.Millisecond, func(v cases.View) error {
		for _, h := range v.Holds {
			err := d.Decide(ctx, of, workflows.Decision{Path: h.Path, Action: workflows.SkipStep, Reason: "a dry run goes on", By: a.person})
			if err != nil && !errors.Is(err, cases.ErrRefused) { // refused: it has gone on meanwhile
				return err
			}
		}
		return nil
	})
}

func foresee(p plan.Plan, state workflows.State) foreseen {
	out := foreseen{Case: state.Case, Playbook: state.Playbook + " " + state.Version, Guards: state.Guards}
	declared := map[string]plan.Step{}
	plan.Walk(func(s plan.Step) { declared[s.Path] = s }, p.Steps, p.Finally)
	for _, s := range state.Steps {
		one := ahead{Path: s.Path, Phase: s.Phase, Activity: s.Activity, Status: string(s.Status), Summary: s.Summary, Error: s.Error}
		if s.Error != "" {
			out.Wrong++
		}
		for _, w := range objects(s.Output, "would") {
			one.Would = append(one.Would, change{text(w, "object"), text(w, "field"), text(w, "from"), text(w, "to")})
		}
		if s.Status == activities.StepDone {
			one.passed(declared[iteration().ReplaceAllString(s.Path, "")], text(object(s.Output), "choice"))
		}
		out.Changes += len(one.Would)
		out.Steps = append(out.Steps, one)
	}
	for _, g := range state.Guards {
		out.Wrong += len(g.Tripped)
	}
	return out
}

// iteration is what a path has more than that of its step in the playbook.
func iteration() *regexp.Regexp { return regexp.MustCompile(`\[\d+\]`) }

// passed says what a live run would have done with people and time where the dry run went on.
func (s *ahead) passed(step plan.Step, choice string) {
	switch {
	case step.Approve != nil:
		s.Asks = fmt.Sprintf("would ask %s to choose %s; here it goes on as with %s", step.Approve.From, strings.Join(step.Approve.Choices, ", "), choice)
	case step.Wait != nil && step.Wait.Until == nil:
		s.Waits = "would wait " + syntax.Short(step.Wait.For)
	case step.Wait != nil:
		s.Waits = "would wait until " + step.Wait.Until.Source
		if step.Wait.For > 0 {
			s.Waits += ", at most " + syntax.Short(step.Wait.For)
		}
	}
}

func (f foreseen) writeTo(w io.Writer, p palette) error {
	var b strings.Builder
	phase := ""
	for _, s := range f.Steps {
		if s.Phase != phase {
			phase = s.Phase
			fmt.Fprintf(&b, "%s\n", p.bold(safe(phase)))
		}
		s.write(&b, p)
	}
	for _, g := range f.Guards {
		if len(g.Tripped) > 0 {
			fmt.Fprintf(&b, "%s\n", p.red(fmt.Sprintf("! guard %s would trip at %s: %s", safe(strings.Join(g.Tripped, ", ")), safe(g.Step), safe(g.Why))))
		}
	}
	fmt.Fprintf(&b, "\n%s: %d changes, nothing was changed", safe(f.Playbook), f.Changes)
	if f.Wrong > 0 {
		fmt.Fprintf(&b, "; %s", p.red(fmt.Sprintf("%d steps failed or guards would trip", f.Wrong)))
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// write prints a step with its differences, as a patch is read: what goes in red, what comes in green.
func (s ahead) write(b *strings.Builder, p palette) {
	mark := " "
	text := s.Summary
	switch {
	case s.Error != "":
		mark, text = p.red("!"), s.Error
	case len(s.Would) > 0:
		mark = p.yellow("~")
	case s.Asks != "":
		mark, text = p.yellow("?"), s.Asks
	case s.Waits != "":
		mark, text = p.yellow("…"), s.Waits
	case s.Status == string(activities.StepSkipped):
		mark = p.dim("-")
	}
	fmt.Fprintf(b, "  %s %s %s\n", mark, safe(s.Path), p.dim(safe(text)))
	for _, c := range s.Would {
		fmt.Fprintf(b, "      %s %s\n", safe(c.Object), safe(c.Field))
		if c.From != "" {
			fmt.Fprintf(b, "        %s\n", p.red("- "+safe(c.From)))
		}
		if c.To != "" {
			fmt.Fprintf(b, "        %s\n", p.green("+ "+safe(c.To)))
		}
	}
}
