package workflows

import (
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// keptChecks is how many of the checks that let everything through are kept in the record; those that did not are all kept.
const keptChecks = 100

// settle does what the guards say to do where rules tripped: nothing but a note in a dry run, a failure, or a question to
// people. An approval is for exactly these targets. Without a trip it lets the targets through.
func (in *inspection) settle(ctx workflow.Context, trips []trip) error {
	switch {
	case len(trips) == 0, in.c.in.DryRun:
		in.admit()
		in.note(ctx, trips, "")
		return nil
	case in.fails(trips):
		in.note(ctx, trips, "")
		return in.tripped(trips, "")
	}
	by, refusal, err := in.consent(ctx, trips)
	if err != nil {
		return err
	}
	if refusal != "" {
		in.note(ctx, trips, "")
		return in.tripped(trips, "; "+refusal)
	}
	in.admit()
	in.note(ctx, trips, by)
	return nil
}

// fails tells whether nobody is asked. A drill asks nobody: that its guards trip is what it was to find out.
func (in *inspection) fails(trips []trip) bool {
	return in.c.in.Mode == plan.Drill || slices.ContainsFunc(trips, func(t trip) bool { return t.by == nil || t.by.OnTrip != "approve" })
}

// note records the check with its numbers: in the state, and in the history, where it stands for good.
func (in *inspection) note(ctx workflow.Context, trips []trip, by string) {
	check := in.check
	check.Step, check.ApprovedBy, check.At = in.path, by, workflow.Now(ctx)
	check.Tripped, check.Why = rulesOf(trips)
	for _, t := range in.targets {
		check.Targets = append(check.Targets, t.String())
	}
	workflow.SideEffectWithOptions(ctx, workflow.SideEffectOptions{Summary: Plain(checkText(check), 190)},
		func(workflow.Context) any { return check })
	if len(trips) == 0 {
		in.c.Guarding.Passed++
		if in.c.Guarding.Passed > keptChecks {
			return
		}
	}
	in.c.State.Guards = append(in.c.State.Guards, check)
	in.c.show(ctx)
}

// checkText is a check in one line of the Web UI, such as "guards: isolate[1]/deny pod/shop/web-1: pods 2 of 5".
func checkText(g activities.GuardCheck) string {
	text := "guards: " + g.Step + " " + strings.Join(g.Targets, " ")
	for _, n := range []struct{ name, value string }{{"pods", g.Pods}, {"nodes", g.Nodes}, {"runs", g.Runs}, {"lock", g.Lock}} {
		if n.value != "" {
			text += ", " + n.name + " " + n.value
		}
	}
	if len(g.Tripped) > 0 {
		text += ", tripped: " + strings.Join(g.Tripped, ", ")
	}
	if g.ApprovedBy != "" {
		text += ", approved by " + g.ApprovedBy
	}
	return text
}

// consent asks people to let through what tripped: it gives who did, or why they did not.
func (in *inspection) consent(ctx workflow.Context, trips []trip) (by, refusal string, err error) {
	return "", "nobody can be asked yet", nil
}
