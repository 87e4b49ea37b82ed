package compile

import (
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// maxCalls is how deep playbooks may call one another.
const maxCalls = 8

// call resolves another playbook, embeds its plan and checks what is handed to it. It gives the type of its outputs too.
func (c *compiler) call(m *syntax.Mapping, at surroundings) (*plan.Call, string) {
	p, path := at.place, at.path
	name := m.RequiredText("playbook")
	found, ok := c.resolve(m, name)
	if !ok {
		if n := m.Optional("inputs"); n != nil {
			c.template(n, anything(), `"inputs"`, p)
		}
		m.Known("inputs")
		m.Done()
		return &plan.Call{Playbook: name}, plan.Notation(anything())
	}
	given := c.callWith(m, found.plan, p)
	found = c.handed(m, found, given, at)
	if found.soiled != nobodys {
		c.soil(path, byStep(path[strings.LastIndex(path, "/")+1:]))
	}
	called := found.plan
	c.embed(called)
	m.Done()
	gives := called.Gives
	if gives == "" {
		gives = plan.Notation(activities.Type{Kind: activities.Object})
	}
	return &plan.Call{Playbook: called.Name, Version: called.Version, Hash: called.Hash, Inputs: given}, gives
}

// callWith reads the inputs of a call.
func (c *compiler) callWith(m *syntax.Mapping, called plan.Plan, p place) []plan.Entry {
	n := m.Optional("inputs")
	if n == nil && m.Node() != nil {
		n = &syntax.Node{Position: m.Node().Position, Kind: syntax.Map}
	}
	if n == nil {
		return nil
	}
	return c.template(n, callInputs(called), "playbook "+called.Name, p).Map
}

// handed compiles a playbook again where it is handed words that an attacker can choose: its inputs must then be quoted as
// the alert must. So is one that a foreach calls: its keys must then tell the items apart.
func (c *compiler) handed(m *syntax.Mapping, found candidate, given []plan.Entry, at surroundings) candidate {
	var dirty []string
	var by taint
	for _, e := range given {
		if words := c.dirtyValue(e.Value); words != nobodys {
			dirty, by = append(dirty, e.Key), words
		}
	}
	o := c.nested()
	o.dirty, o.loops = dirty, c.handing(given, at)
	if len(o.dirty)+len(o.loops) == 0 {
		return found
	}
	again, soiled, problems := compileSource(found.source.File, found.source.Data, o)
	switch {
	case len(problems) > 0 && problems[0].Rule == "idempotencyKey":
		c.reader.Report(m.Optional("playbook"), "idempotencyKey", "the playbook %q cannot be called for every item of a foreach: %s",
			found.plan.Name, problems[0].Error())
		return found
	case len(problems) > 0:
		c.reader.Report(m.Optional("inputs"), "tainted", "%s, and the playbook %q takes its input %s for something safe: %s",
			by, found.plan.Name, strings.Join(dirty, ", "), problems[0].Error())
		return found
	}
	found.plan, found.soiled = again, soiled
	return found
}

// callInputs is the type of what a playbook is called with: an input with a default may be left out.
func callInputs(p plan.Plan) activities.Type {
	t := activities.Type{Kind: activities.Object}
	for _, in := range p.Inputs {
		t.Fields = append(t.Fields, activities.Field{Name: in.Name, Doc: in.Doc, Required: in.Required, Type: in.Type})
	}
	return t
}

// embed keeps a plan, and those that it calls, once in this one's.
func (c *compiler) embed(called plan.Plan) {
	nested := called.Playbooks
	called.Playbooks = nil
	for _, p := range append(nested, called) {
		if !slices.ContainsFunc(c.plan.Playbooks, func(known plan.Plan) bool { return known.Hash == p.Hash }) {
			c.plan.Playbooks = append(c.plan.Playbooks, p)
		}
	}
}
