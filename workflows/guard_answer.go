package workflows

import (
	"slices"
	"strings"
	"time"

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

// guardReminder is how often people are told again that a guard waits for them: nothing is contained meanwhile.
const guardReminder = 15 * time.Minute

// consent asks people to let through what tripped: it gives who did, or why they did not. Each playbook's own people are asked
// about its own rules, and all must agree.
func (in *inspection) consent(ctx workflow.Context, trips []trip) (by, refusal string, err error) {
	for _, r := range in.rules {
		its := slices.DeleteFunc(slices.Clone(trips), func(t trip) bool { return t.by.unit != r.unit })
		if len(its) == 0 {
			continue
		}
		path := in.path + "/guards"
		if r.unit != in.c.root {
			path += "/" + r.unit.plan.Name
		}
		got, err := in.c.ask(ctx, &asked{Question: in.question(ctx, r, its, path), unit: r.unit}, guardReminder)
		switch {
		case err != nil:
			return "", "", err
		case got == nil || got.choice != approveChoice:
			return "", refused(got), nil
		}
		by = joined(by, got.by)
	}
	return by, "", nil
}

// The choices of a tripped guard.
const (
	approveChoice = "approve"
	rejectChoice  = "reject"
)

// question asks for exactly these targets. One that a run before this one asked is taken up as it was.
func (in *inspection) question(ctx workflow.Context, r ruleset, trips []trip, path string) *Question {
	if q := in.c.restored(path); q != nil {
		return q
	}
	names, why := rulesOf(trips)
	q := &Question{
		Step: path, Title: Plain("Guard "+strings.Join(names, ", ")+" at "+in.path+": let it through?", 300),
		Choices: []string{approveChoice, rejectChoice}, Circles: r.asks(), Asked: workflow.Now(ctx), Remind: workflow.Now(ctx).Add(guardReminder),
	}
	targets := make([]any, 0, len(in.targets))
	for _, t := range in.targets {
		targets = append(targets, t.String())
	}
	q.Shown = map[string]any{"activity": in.step.Uses.Activity, "rules": names, "why": why, "targets": targets}
	q.Hash = hashOf(q)
	return q
}

// asks are the circles that the guards ask: those that they name, or all of the playbook's.
func (r ruleset) asks() []string {
	if len(r.From) > 0 {
		return r.From
	}
	var names []string
	for _, a := range r.unit.plan.Approvers {
		names = append(names, a.Name)
	}
	return names
}

func refused(a *answer) string {
	if a == nil {
		return "nobody decided"
	}
	text := "refused by " + a.by
	if a.comment != "" {
		text += ": " + a.comment
	}
	return text
}
