package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// DrillLabel marks what a drill may change, where its value is "true".
const DrillLabel = "firebreak/drill"

// Guarding is what the guards of a case have let through so far, over all runs of its chain.
type Guarding struct {
	Targets  []string `json:"targets,omitempty"` // keys of the objects that the run may change, in the order they were let through
	Pods     int      `json:"pods,omitempty"`
	Nodes    int      `json:"nodes,omitempty"`
	Passed   int      `json:"passed,omitempty"`   // checks that let everything through
	Opened   []string `json:"opened,omitempty"`   // the playbooks whose rate was asked, and the calls of them whose lock was
	Locks    []string `json:"locks,omitempty"`    // workflow ids of the locks that the case holds
	Admitted bool     `json:"admitted,omitempty"` // the rate's count has the case
	Changed  bool     `json:"changed,omitempty"`  // the lists show when the case first changed something
}

// ruleset is the guards of one playbook, whose expressions see its own inputs, whatever playbook's step is checked.
type ruleset struct {
	*plan.Guards

	unit *unit
}

// frame is where the guards' expressions are evaluated: they see no steps.
func (r ruleset) frame() *frame { return &frame{unit: r.unit} }

// inspection is the check of one step before its change.
type inspection struct {
	c       *incident
	rules   []ruleset
	step    plan.Step
	path    string
	blind   string                 // what changes something and does not say what; empty: everything says it
	targets []Target               // those that this run has not changed before
	known   map[string]description // by key; never ranged over
	nodes   int                    // how many the cluster has
	check   activities.GuardCheck
}

// guard is asked before every change. It lets the step's targets through, or says which rules stand against them: then
// nothing was changed. A target that was let through once is not counted again. Between the count and the place that a
// target takes in it nothing is waited for, so no other step of the run can slip in. A dry run is told what would trip.
// What the playbook wants to take the step back with is checked with it: nobody is asked when it is taken back.
func (c *incident) guard(ctx workflow.Context, s plan.Step, at *frame, path string, input any, back *Instead) error {
	rules, named := c.rules(at), targetsOf(s.Uses.Targets, input)
	if len(rules) == 0 && c.in.Mode != plan.Drill {
		c.noteChange(ctx, named)
		return nil
	}
	in := &inspection{c: c, rules: rules, step: s, path: path, blind: blindIn(named, back), known: map[string]description{}}
	all := named
	if back != nil {
		all = slices.Concat(named, back.Targets)
	}
	in.targets = c.unseen(all)
	if err := in.open(ctx); err != nil {
		return err
	}
	if err := in.pass(ctx); err != nil {
		return err
	}
	c.noteChange(ctx, named)
	return nil
}

// rules are the guards of the playbook whose step it is and of all that called it, the case's own first: all of them hold.
func (c *incident) rules(at *frame) []ruleset {
	var list []ruleset
	for f := at; f != nil; f = f.outer {
		if f.unit.plan.Guards != nil && !slices.ContainsFunc(list, func(r ruleset) bool { return r.unit == f.unit }) {
			list = append(list, ruleset{f.unit.plan.Guards, f.unit})
		}
	}
	slices.Reverse(list)
	return list
}

// blindIn names what changes something and does not say what: a step without targets, or what takes it back.
func blindIn(named []Target, back *Instead) string {
	if len(named) == 0 {
		return "the step"
	}
	return back.blind()
}

func (i *Instead) blind() string {
	if i == nil || !i.Blind {
		return ""
	}
	return "its undo " + i.Activity
}

// unseen are the targets that no guard has let through in this run, each once.
func (c *incident) unseen(all []Target) []Target {
	var list []Target
	for _, t := range all {
		if !slices.Contains(c.Guarding.Targets, t.key()) && !slices.ContainsFunc(list, func(other Target) bool { return other.key() == t.key() }) {
			list = append(list, t)
		}
	}
	return list
}

// pass checks the targets and lets them through.
func (in *inspection) pass(ctx workflow.Context) error {
	fence := in.c.in.Mode == plan.Drill && in.blind != ""
	if len(in.targets) == 0 && !fence {
		return nil
	}
	if trips := in.limits(); len(trips) > 0 && in.c.in.Mode != plan.Drill && in.fails(trips) {
		return in.settle(ctx, trips) // no need to ask the cluster about what is too much already
	}
	if err := in.describe(ctx); err != nil {
		return err
	}
	in.targets = in.c.unseen(in.targets) // another step may have been let through meanwhile
	if len(in.targets) == 0 && !fence {
		return nil
	}
	trips, err := in.judge(ctx)
	if err != nil {
		return err
	}
	return in.settle(ctx, trips)
}

// admit gives the targets their places in the count.
func (in *inspection) admit() {
	g := &in.c.Guarding
	for _, t := range in.c.unseen(in.targets) {
		g.Targets = append(g.Targets, t.key())
		switch t.Kind {
		case podKind:
			g.Pods++
		default:
			g.Nodes++
		}
	}
}

// noteChange shows in the lists when the case first changed something, which the guards of other cases count by, and on which
// nodes. A dry run changes nothing.
func (c *incident) noteChange(ctx workflow.Context, targets []Target) {
	if c.in.DryRun {
		return
	}
	var set []temporal.SearchAttributeUpdate
	if c.in.Dates && !c.Guarding.Changed {
		c.Guarding.Changed = true
		set = append(set, datetime(ChangedAttribute, workflow.Now(ctx).Truncate(time.Millisecond)))
	}
	if c.in.Nodes && c.touch(targets) {
		set = append(set, nodes(c.Nodes))
	}
	if len(set) > 0 {
		c.upsert(ctx, set...)
	}
}
