package compile

import (
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// MaxSteps is how many steps a playbook may have.
const MaxSteps = 500

// surroundings is where a step stands: its block, and what it inherits.
type surroundings struct {
	defaults
	place
	path     string    // of the block
	phase    string    // of the block, or of the step before at the top
	top      bool      // at the top the phases must come in order
	closing  bool      // in finally, where the run has ended already
	together bool      // in steps that run at the same time as others
	passing  bool      // in a foreach that passes over failed items
	loops    []looping // around, the outermost first
}

func (c *compiler) steps(top *syntax.Mapping, d defaults) place {
	n := top.Required("steps")
	if n == nil {
		return place{}
	}
	list := top.List("steps")
	if n.Kind == syntax.List && len(list) == 0 {
		c.reader.Report(n, "empty", "\"steps\" is empty")
	}
	block, after := c.block(list, surroundings{defaults: d, place: place{}, top: true})
	c.plan.Steps = block
	if len(c.ids) > MaxSteps {
		c.reader.Report(n, "size", "the playbook has %d steps; the limit is %d", len(c.ids), MaxSteps)
	}
	return after
}

// closing reads finally. It also runs when the run failed or was canceled, so any step before it may be missing.
func (c *compiler) closing(top *syntax.Mapping, d defaults, main place) place {
	list := top.List("finally")
	before := place{}
	for _, step := range c.plan.Steps {
		if step.ID != "" {
			before = before.with(c.look(step, reason{text: "finally also runs when the run ended before it"}))
		}
	}
	block, after := c.block(list, surroundings{defaults: d, place: before, phase: lastPhase(), top: true, closing: true})
	c.plan.Finally = block
	for id, v := range main.steps {
		after.steps[id] = v // outputs are evaluated when the run completed
	}
	return after
}

func lastPhase() string { return plan.Phases()[len(plan.Phases())-1] }

func (c *compiler) outputs(n *syntax.Node, p place) {
	m := c.reader.Map(n, `"outputs"`)
	if m.Node() == nil {
		return
	}
	out := activities.Type{Kind: activities.Object}
	for _, e := range m.Node().Entries {
		v := c.template(e.Value, anything(), `"`+e.Key.Text+`"`, p)
		c.plan.Outputs = append(c.plan.Outputs, plan.Entry{Key: e.Key.Text, Value: v})
		out.Fields = append(out.Fields, activities.Field{Name: e.Key.Text, Required: true, Type: c.typeOf(v)})
	}
	c.plan.Gives = plan.Notation(out)
}

// block reads steps that run one after the other, and gives the place behind them.
func (c *compiler) block(list []*syntax.Node, at surroundings) ([]plan.Step, place) {
	var out []plan.Step
	for _, n := range list {
		step := c.step(n, at)
		c.reachable(n, out)
		out = append(out, step)
		at.phase = step.Phase
		if step.ID != "" {
			at.place = at.with(c.look(step)).holding(c.behind(step))
		}
	}
	if at.steps == nil {
		at.steps = map[string]*view{}
	}
	return out, at.place
}

// branches reads steps that cannot see one another.
func (c *compiler) branches(list []*syntax.Node, at surroundings) []plan.Step {
	var out []plan.Step
	for _, n := range list {
		out = append(out, c.step(n, at))
	}
	return out
}

// step reads one step with whatever is inside of it.
func (c *compiler) step(n *syntax.Node, at surroundings) plan.Step {
	m := c.reader.Map(n, "a step")
	if n.Kind != syntax.Map {
		return plan.Step{Phase: at.phase}
	}
	s := plan.Step{ID: c.id(m), Pos: position(n.Position), Phase: c.phase(m, at)}
	s.Path = strings.TrimPrefix(at.path+"/"+s.ID, "/")
	s.OnError = c.onError(m, at.onError)
	c.passedOver(m, s.OnError, at)
	inside := at
	inside.path, inside.phase, inside.top = s.Path, s.Phase, false
	c.verb(m, &s, &inside)
	s.Requires = c.requires(m, s, inside.place)
	s.Catch = c.catch(m, inside)
	m.Done()
	return s
}

func (c *compiler) id(m *syntax.Mapping) string {
	id := m.RequiredText("id")
	n := m.Optional("id")
	switch {
	case id == "":
		return ""
	case !isIdentifier(id):
		c.reader.Report(n, "id", "the id %q must be letters, digits and underscores, and begin with a letter", id)
		return ""
	case slices.Contains(reserved(), id):
		c.reader.Report(n, "id", "the id %q is a word of the language; choose another", id)
		return ""
	}
	if first, twice := c.ids[id]; twice {
		c.reader.Report(n, "duplicate-id", "step %q is there twice; the first is in line %d", id, first.Line)
		return ""
	}
	c.ids[id] = n.Position
	return id
}

// reserved are the words that mean something behind steps.<id>, and those that CEL cannot read there.
func reserved() []string {
	return []string{"status", "error", "output", "items", "true", "false", "null", "in"}
}

// keywords are the words that no variable of CEL can be called.
func keywords() []string {
	return []string{
		"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
		"loop", "package", "namespace", "return", "var", "void", "while",
	}
}

// phase reads a step's phase. At the top the phases come in order; a step inside another has that one's.
func (c *compiler) phase(m *syntax.Mapping, at surroundings) string {
	word := m.OneOf("phase", plan.Phases()...)
	n := m.Optional("phase")
	switch {
	case n == nil && at.phase == "" && at.top:
		c.reader.Report(m.Node(), "phase", "the first step needs a phase; there is %s", strings.Join(plan.Phases(), ", "))
	case word == "":
	case !at.top && word != at.phase:
		c.reader.Report(n, "phase", "a step inside another is in that one's phase, %s; remove this line", at.phase)
	case slices.Index(plan.Phases(), word) < slices.Index(plan.Phases(), at.phase):
		c.reader.Report(n, "phase", "phase %s comes before %s, the phase of the step before; the order is %s",
			word, at.phase, strings.Join(plan.Phases(), ", "))
	default:
		return word
	}
	return at.phase
}
