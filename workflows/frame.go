package workflows

import (
	"maps"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// entry is what expressions see of a step that is through: status, and output, error or inner steps. It is made once
// and never changed.
type entry = map[string]any

// Names in an entry.
const (
	statusKey = "status"
	outputKey = "output"
	errorKey  = "error"
	itemsKey  = "items"
)

// frame is a block of steps as it runs: what its steps can see. A step sees its siblings before it and everything that
// the blocks around it see.
type frame struct {
	outer   *frame
	unit    *unit       // the playbook whose steps these are
	lowest  bool        // the outermost block of a called playbook: its steps see nothing outside
	prefix  string      // of the paths inside, such as "isolate[0]/"
	label   string      // of the item, for summaries
	rest    []plan.Step // the steps that are still ahead in this block
	ids     []string
	entries map[string]entry
	seen    map[string]any // everything that a step here sees, by id: from outside and from here
	name    string         // the variable of a foreach, and its value
	value   any
}

// inner opens a block inside this one.
func (f *frame) inner(prefix, label string) *frame {
	if label == "" {
		label = f.label
	}
	return &frame{outer: f, unit: f.unit, prefix: prefix, label: label, seen: maps.Clone(f.seen)}
}

// bottom opens the outermost block of a called playbook.
func (f *frame) bottom(prefix string, u *unit) *frame {
	in := f.inner(prefix, "")
	in.unit, in.lowest, in.seen = u, true, nil
	return in
}

// item opens one iteration of a foreach.
func (f *frame) item(prefix, name string, value any) *frame {
	in := f.inner(prefix, subject(value))
	in.name, in.value = name, value
	return in
}

func (f *frame) put(id string, e entry) {
	if f.entries == nil {
		f.entries = map[string]entry{}
	}
	if f.seen == nil {
		f.seen = map[string]any{}
	}
	f.seen[id] = e
	if _, there := f.entries[id]; !there {
		f.ids = append(f.ids, id)
	}
	f.entries[id] = e
}

// adopt takes over what an inner block's steps gave.
func (f *frame) adopt(inner *frame) {
	for _, id := range inner.ids {
		f.put(id, inner.entries[id])
	}
}

// into copies the frame's entries beside what is already in e.
func (f *frame) into(e entry) entry {
	for _, id := range f.ids {
		e[id] = f.entries[id]
	}
	return e
}

// scope is what an expression sees at this place and moment. It is evaluated at once, into copies.
func (c *incident) scope(ctx workflow.Context, f *frame) plan.Scope {
	vars := map[string]any{}
	for at := f; at != nil; at = at.outer {
		if _, nearer := vars[at.name]; at.name != "" && !nearer { // the inner name wins
			vars[at.name] = at.value
		}
		if at.lowest {
			break
		}
	}
	return plan.Scope{Alert: c.in.Alert, Inputs: f.unit.inputs, Run: c.runVariable(ctx), Steps: f.seen, Vars: vars}
}

func (c *incident) runVariable(ctx workflow.Context) plan.Run {
	r := c.State.Record
	return plan.Run{
		Case: r.Case, Cluster: r.Cluster, Playbook: r.Playbook, Version: r.Version, PlanHash: r.PlanHash,
		Workflow: r.Workflow, DryRun: r.DryRun, Mode: c.in.Mode, Reopens: r.Reopens, Now: workflow.Now(ctx), Outcome: r.Outcome, Alerts: r.Alerts, Record: r,
	}
}
