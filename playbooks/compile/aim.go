package compile

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// aim is what is known of one target of a step while the playbook is compiled: of its name, namespace and uid those that
// are constants. Of a target that only the run knows there is nothing.
type aim map[string]string

// differs tells whether the two cannot be one target.
func (a aim) differs(b aim) bool {
	for part, word := range a {
		if other, known := b[part]; known && other != word {
			return true
		}
	}
	return false
}

// String is the target in words, such as shop/web-0.
func (a aim) String() string {
	return strings.TrimPrefix(a["namespace"]+"/"+a["name"], "/")
}

// hits reports a destroying step of a target of which its evidence is not: that of another one proves nothing. It is
// reported where both are known to differ; where only the run knows one of them, nothing is said.
func (c *compiler) hits(d destruction, spots map[string]*spot) {
	at, known := spots[d.path]
	if !known {
		return
	}
	refs := c.requiredAround(d.path)
	for _, field := range c.targetsOf(d.activity) {
		taken, sure := c.takenOf(field.Kind, refs, spots)
		for _, target := range c.aims(at, field.Field) {
			if sure && len(taken) > 0 && !slices.ContainsFunc(taken, func(one aim) bool { return !target.differs(one) }) {
				c.reader.Report(d.node, "evidence", "%s destroys %s, but the evidence that is required before it is that of %s; take the evidence of what is destroyed",
					d.activity, target, taken[0])
				return
			}
		}
	}
}

// requiredAround gives the steps that are required as evidence by a step and those around it.
func (c *compiler) requiredAround(path string) []string {
	var out []string
	for _, need := range c.requirements {
		if path != need.path && !strings.HasPrefix(path, need.path+"/") {
			continue
		}
		for _, ref := range need.evidence {
			out = append(out, ref.path)
		}
	}
	return out
}

// takenOf gives the targets of a kind of which evidence is taken. It is not sure where a capture is of another kind, such
// as the disks of a pod's node, or stands in a called playbook.
func (c *compiler) takenOf(kind string, refs []string, spots map[string]*spot) (out []aim, sure bool) {
	sure = true
	for _, ref := range refs {
		from, known := spots[ref]
		if !known {
			return nil, false
		}
		for _, path := range c.captures(from.step) {
			at := spots[path]
			if at == nil || at.step.Uses == nil {
				return nil, false
			}
			for _, field := range c.targetsOf(at.step.Uses.Activity) {
				if field.Kind != kind {
					return nil, false
				}
				out = append(out, c.aims(at, field.Field)...)
			}
		}
	}
	return out, sure
}

func (c *compiler) targetsOf(activity string) []activities.TargetField {
	d, _ := c.catalog.Find(activity)
	return d.Targets
}

// aims gives the targets that a field of a step's input names. One that only the run knows is empty.
func (c *compiler) aims(at *spot, field string) []aim {
	beside := aim{}
	var out []aim
	for _, e := range at.step.Uses.With.Map {
		if e.Key == "namespace" {
			if space, ok := first(c.constants(e.Value, at)).(string); ok {
				beside["namespace"] = space
			}
		}
	}
	for _, e := range at.step.Uses.With.Map {
		if e.Key == field {
			for _, value := range c.constants(e.Value, at) {
				out = append(out, aimsIn(value, beside)...)
			}
		}
	}
	return out
}

// first gives the one value of a list of one.
func first(list []any) any {
	if len(list) != 1 {
		return nil
	}
	return list[0]
}

func aimsIn(value any, beside aim) []aim {
	switch v := value.(type) {
	case string:
		one := aim{"name": v}
		if space, known := beside["namespace"]; known {
			one["namespace"] = space
		}
		return []aim{one}
	case map[string]any:
		one := aim{}
		for _, part := range []string{"namespace", "name", "uid"} {
			if word, ok := v[part].(string); ok {
				one[part] = word
			}
		}
		return []aim{one}
	case []any:
		var out []aim
		for _, item := range v {
			out = append(out, aimsIn(item, nil)...)
		}
		return out
	}
	return []aim{{}}
}

// unknown is a value that only the run knows.
type unknown struct{}

// constants gives the values that a template may have, each as far as it is a constant: in a foreach over a list of
// constants one for each item.
func (c *compiler) constants(v plan.Value, at *spot) []any {
	switch {
	case v.Expr != nil:
		parsed := c.parsed[v.Expr.Source]
		if parsed == nil {
			return []any{unknown{}}
		}
		return c.values(parsed.NativeRep().Expr(), at)
	case v.Map != nil:
		out := map[string]any{}
		for _, e := range v.Map {
			out[e.Key] = first(c.constants(e.Value, at))
		}
		return []any{out}
	case v.List != nil:
		var out []any
		for _, item := range v.List {
			out = append(out, c.constants(item, at)...)
		}
		return []any{out}
	case v.Literal != nil:
		return []any{v.Literal}
	}
	return []any{unknown{}}
}

// values is constants for an expression.
func (c *compiler) values(e ast.Expr, at *spot) []any {
	switch e.Kind() {
	case ast.LiteralKind:
		if word, ok := e.AsLiteral().(types.String); ok {
			return []any{string(word)}
		}
	case ast.ListKind:
		var out []any
		for _, item := range e.AsList().Elements() {
			out = append(out, c.values(item, at)...)
		}
		return []any{out}
	case ast.MapKind:
		out := map[string]any{}
		for _, entry := range e.AsMap().Entries() {
			if key, ok := first(c.values(entry.AsMapEntry().Key(), at)).(string); ok {
				out[key] = first(c.values(entry.AsMapEntry().Value(), at))
			}
		}
		return []any{out}
	case ast.IdentKind:
		return c.itemsOf(e.AsIdent(), at)
	case ast.SelectKind:
		return fieldOf(c.values(e.AsSelect().Operand(), at), e.AsSelect().FieldName())
	}
	return []any{unknown{}}
}

// itemsOf gives the constants in the list of the foreach around that gives its items that name.
func (c *compiler) itemsOf(name string, at *spot) []any {
	for outer := at.outer; outer != nil; outer = outer.outer {
		f := outer.step.Foreach
		if f == nil || f.As != name || c.parsed[f.In.Source] == nil {
			continue
		}
		if list, ok := first(c.values(c.parsed[f.In.Source].NativeRep().Expr(), outer)).([]any); ok && len(list) > 0 {
			return list
		}
	}
	return []any{unknown{}}
}

func fieldOf(list []any, field string) []any {
	var out []any
	for _, value := range list {
		if fields, ok := value.(map[string]any); ok && fields[field] != nil {
			out = append(out, fields[field])
			continue
		}
		out = append(out, unknown{})
	}
	return out
}
