package compile

import (
	"fmt"
	"slices"

	"cel.dev/cel-go/cel"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// view is what one place of the playbook sees of a step: seen from outside a parallel, a branch or a foreach, the steps
// inside may be absent for more reasons than among themselves.
type view struct {
	name     string // of its CEL type
	id       string
	output   *activities.Type // of an activity or a verb that has one
	children []*view          // of parallel, if, switch, or of an item
	item     *view            // of foreach
	gathers  bool             // its output are those of the children by their ids
	verb     bool             // its output is no activity's
	choices  []string         // of approve
	absent   []reason         // why it may have no output
}

// reason says why a step may have no output. A condition that is known to hold at the reader removes it.
type reason struct {
	text      string
	condition []string // facts that all must hold; none: only has() helps
}

func (v *view) child(id string) *view {
	for _, child := range v.children {
		if child.id == id {
			return child
		}
	}
	return nil
}

func (v *view) fields() []string {
	out := []string{"status", "error"}
	switch {
	case v.output != nil || v.gathers:
		out = append(out, "output")
	case v.item != nil:
		out = append(out, "items")
	}
	for _, child := range v.children {
		out = append(out, child.id)
	}
	return out
}

func (v *view) fieldType(p *provider, field string) (*cel.Type, bool) {
	switch {
	case field == "status" || field == "error":
		return cel.StringType, true
	case field == "output" && v.output != nil:
		return p.celType(*v.output), true
	case field == "output" && v.gathers:
		return cel.MapType(cel.StringType, cel.DynType), true
	case field == "items" && v.item != nil:
		return cel.ListType(cel.ObjectType(v.item.name)), true
	}
	if child := v.child(field); child != nil {
		return cel.ObjectType(child.name), true
	}
	return nil, false
}

// declared gives the view as plain data, for the variable of a foreach over the items of another. What a block gathers is
// no part of it: its steps are read by their ids.
func (v *view) declared(p *provider) activities.Type {
	text := activities.Type{Kind: activities.String}
	out := activities.Type{Kind: activities.Object, Fields: []activities.Field{
		{Name: "status", Required: true, Type: text}, {Name: "error", Type: text},
	}}
	if v.output != nil {
		out.Fields = append(out.Fields, activities.Field{Name: "output", Type: *v.output})
	}
	if v.item != nil {
		item := v.item.declared(p)
		out.Fields = append(out.Fields, activities.Field{Name: "items", Type: activities.Type{Kind: activities.List, Elem: &item}})
	}
	for _, child := range v.children {
		out.Fields = append(out.Fields, activities.Field{Name: child.id, Type: child.declared(p)})
	}
	return out
}

// detached gives the type of an item of a foreach over the items of another. It is data then, in which the steps of a block
// are, and not what the block gathers of them.
func (p *provider) detached(t *cel.Type) *cel.Type {
	v, ok := p.views[t.TypeName()]
	if !ok {
		return t
	}
	return cel.ObjectType(p.detach(v).name)
}

func (p *provider) detach(v *view) *view {
	out := *v
	out.gathers, out.children = false, nil
	for _, child := range v.children {
		out.children = append(out.children, p.detach(child))
	}
	if v.item != nil {
		out.item = p.detach(v.item)
	}
	p.name(&out, v.name)
	return &out
}

// look makes the view of a compiled step with more reasons for its absence than its own.
func (c *compiler) look(step plan.Step, more ...reason) *view {
	reasons := slices.Concat(more, c.absence(step))
	v := &view{id: step.ID, absent: reasons, gathers: step.Parallel != nil || step.Branch != nil || step.Switch != nil}
	c.types.name(v, "step "+step.ID)
	switch {
	case step.Output != "":
		c.given(v, step)
	case step.Uses != nil:
		out := c.out[step.Uses.Activity]
		v.output = &out
	case step.Parallel != nil:
		v.children = c.lookAll(step.Parallel, reasons)
	case step.Branch != nil, step.Switch != nil:
		v.children = c.lookInto(step, reasons)
	case step.Foreach != nil:
		v.item = &view{id: step.ID + " item"}
		c.types.name(v.item, "item of "+step.ID)
		v.item.children = c.lookAll(step.Foreach.Do, itemAbsence(step))
		v.item.forget()
	}
	return v
}

// given is the output of a verb that is no activity.
func (c *compiler) given(v *view, step plan.Step) {
	out, err := plan.ParseNotation(step.Output)
	if err != nil {
		out = anything()
	}
	v.output, v.verb = &out, true
	if step.Approve != nil {
		v.choices = step.Approve.Choices
	}
}

// lookInto gives the steps of all blocks of an if or a switch, of which one alone runs.
func (c *compiler) lookInto(step plan.Step, reasons []reason) []*view {
	var out []*view
	for _, one := range c.alternatives(step) {
		why := reason{text: "it is in the \"" + one.name + "\" of step " + step.ID, condition: one.condition}
		out = append(out, c.lookAll(one.steps, append(slices.Clone(reasons), why))...)
	}
	return out
}

// forget takes the conditions out of the reasons: outside of a foreach they would speak of another item.
func (v *view) forget() {
	for i := range v.absent {
		v.absent[i].condition = nil
	}
	for _, child := range v.children {
		child.forget()
	}
	if v.item != nil {
		v.item.forget()
	}
}

func (c *compiler) lookAll(steps []plan.Step, more []reason) []*view {
	var out []*view
	for _, step := range steps {
		if step.ID != "" {
			out = append(out, c.look(step, more...))
		}
	}
	return out
}

// absence gives the reasons that stand in the step itself. A held step that a person skips is none: it cannot be known
// beforehand, and the run holds again at the reader.
func (c *compiler) absence(step plan.Step) []reason {
	var out []reason
	if step.If != nil {
		out = append(out, reason{text: "it has an \"if\"", condition: c.facts[step.ID].own})
	}
	if step.OnError == plan.Continue {
		out = append(out, reason{text: "it has \"onError: continue\""})
	}
	if len(step.Catch) > 0 {
		out = append(out, reason{text: "its failure may be caught (\"catch\")"})
	}
	return out
}

func itemAbsence(step plan.Step) []reason {
	if step.Foreach.OnError == plan.Continue {
		return []reason{{text: "an item of step " + step.ID + " may fail (\"onError: continue\")"}}
	}
	return nil
}

// name gives a view a type name of its own.
func (p *provider) name(v *view, wanted string) {
	v.name = wanted
	for i := 2; p.views[v.name] != nil; i++ {
		v.name = fmt.Sprintf("%s (%d)", wanted, i)
	}
	p.views[v.name] = v
}
