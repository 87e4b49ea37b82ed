package compile

import (
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func (c *compiler) inputs(n *syntax.Node) {
	m := c.reader.Map(n, `"inputs"`)
	if m.Node() == nil {
		c.types.set("inputs", plan.InputsType(nil))
		return
	}
	for _, e := range m.Node().Entries {
		if !isIdentifier(e.Key.Text) {
			c.reader.Report(e.Key, "input", "the input %q must be a name of letters, digits and underscores", e.Key.Text)
			continue
		}
		c.plan.Inputs = append(c.plan.Inputs, c.input(e.Key.Text, c.reader.Map(e.Value, "an input")))
	}
	c.types.set("inputs", plan.InputsType(c.plan.Inputs))
}

func (c *compiler) input(name string, m *syntax.Mapping) plan.Input {
	in := plan.Input{Name: name, Doc: m.Text("doc"), Required: m.Bool("required"), Type: c.inputType(m)}
	if n := m.Optional("default"); n != nil {
		value, ok := literal(n)
		if !ok {
			value = nil
		}
		if err := plan.Fits(value, in.Type); err != nil {
			c.reader.Report(n, "type", "the default of input %q does not fit: %v", name, err)
		}
		if in.Required {
			c.reader.Report(n, "input", "input %q is required, so its default is never used; remove one of the two", name)
		}
		in.Default = value
	}
	m.Done()
	return in
}

// inputType reads a type: string, integer, number, boolean, time, or a list of one of them such as [string].
func (c *compiler) inputType(m *syntax.Mapping) activities.Type {
	n := m.Required("type")
	if n == nil || n.Kind == syntax.Broken {
		return activities.Type{Kind: activities.Any}
	}
	word, list := n.Text, false
	if n.Kind == syntax.List && len(n.Items) == 1 {
		word, list = n.Items[0].Text, true
	}
	kinds := []string{"string", "integer", "number", "boolean", "time"}
	for _, kind := range kinds {
		if word != kind {
			continue
		}
		t := activities.Type{Kind: activities.TypeKind(kind)}
		if list {
			return activities.Type{Kind: activities.List, Elem: &t}
		}
		return t
	}
	c.reader.Report(n, "type", "the type %q is not known%s; a list is written [string]", word, syntax.DidYouMean(word, kinds))
	return activities.Type{Kind: activities.Any}
}

// unusedInputs reports what a caller would give in vain. An input with a default may stay for callers of other versions.
func (c *compiler) unusedInputs(n *syntax.Node) {
	if n == nil {
		return
	}
	for _, e := range n.Entries {
		if isIdentifier(e.Key.Text) && !c.used[e.Key.Text] && e.Value.Get("default") == nil {
			c.reader.Report(e.Key, "unused-input", "input %q is never used; remove it, or read it as inputs.%s", e.Key.Text, e.Key.Text)
		}
	}
}

// literal reads a value in which nothing is evaluated.
func literal(n *syntax.Node) (any, bool) {
	if n.Kind != syntax.List {
		return scalar(n)
	}
	out := make([]any, 0, len(n.Items))
	for _, item := range n.Items {
		v, ok := scalar(item)
		if !ok {
			return nil, false
		}
		out = append(out, v)
	}
	return out, true
}

// hole tells whether a text holds an expression.
func hole(text string) bool { return strings.Contains(text, opening) }
