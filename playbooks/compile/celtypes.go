package compile

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// celType gives CEL's type for a declared one.
func (p *provider) celType(t activities.Type) *cel.Type {
	switch t.Kind {
	case activities.String:
		return cel.StringType
	case activities.Integer:
		return cel.IntType
	case activities.Number:
		return cel.DoubleType
	case activities.Boolean:
		return cel.BoolType
	case activities.Time:
		return cel.TimestampType
	case activities.List:
		return cel.ListType(p.celType(element(t)))
	case activities.Map:
		return cel.MapType(cel.StringType, p.celType(element(t)))
	case activities.Object:
		return cel.ObjectType(p.object(t))
	}
	return cel.DynType
}

func element(t activities.Type) activities.Type {
	if t.Elem == nil {
		return activities.Type{Kind: activities.Any}
	}
	inner := *t.Elem
	if inner.Code == "" {
		inner.Code = t.Code // a list of commands is code as one command is
	}
	return inner
}

// object gives the name of an object type: its fields, as far as a message can carry them.
func (p *provider) object(t activities.Type) string {
	if len(t.Fields) == 0 {
		return p.called(t)
	}
	fields := &t.Fields[0] // the same fields again are the same type: it need not be written out
	name, ok := p.seen[fields]
	if !ok {
		name = p.called(t)
		p.seen[fields] = name
	}
	return name
}

// called finds or makes the name of an object type.
func (p *provider) called(t activities.Type) string {
	notation := plan.Notation(t)
	if name, ok := p.names[notation]; ok {
		return name
	}
	fields := firstFields(t)
	name := "{" + strings.Join(fields, ", ") + "}"
	for i := 2; p.taken(name); i++ {
		name = fmt.Sprintf("{%s}#%d", strings.Join(fields, ", "), i)
	}
	p.names[notation], p.objects[name] = name, t
	return name
}

func (p *provider) taken(name string) bool {
	_, ok := p.objects[name]
	return ok
}

// declared gives the declared type behind CEL's, for what expressions hand over to activities and foreach.
func (p *provider) declared(t *cel.Type) activities.Type {
	switch t.Kind() {
	case types.StringKind:
		return activities.Type{Kind: activities.String}
	case types.IntKind, types.UintKind:
		return activities.Type{Kind: activities.Integer}
	case types.DoubleKind:
		return activities.Type{Kind: activities.Number}
	case types.BoolKind:
		return activities.Type{Kind: activities.Boolean}
	case types.TimestampKind:
		return activities.Type{Kind: activities.Time}
	case types.DurationKind:
		return activities.Type{Kind: activities.String}
	case types.ListKind:
		inner := p.declared(t.Parameters()[0])
		return activities.Type{Kind: activities.List, Elem: &inner}
	case types.MapKind:
		inner := p.declared(t.Parameters()[1])
		return activities.Type{Kind: activities.Map, Elem: &inner}
	case types.StructKind:
		if v, ok := p.views[t.TypeName()]; ok {
			return v.declared(p)
		}
		if object, ok := p.objects[t.TypeName()]; ok {
			return object
		}
	}
	return activities.Type{Kind: activities.Any}
}

// describe names a type for a message.
func (p *provider) describe(t *cel.Type) string {
	if t.Kind() == types.DynKind {
		return "a value of unknown type"
	}
	return brief(p.declared(t))
}

// brief writes a type for a message: of a large object only the names of its fields.
func brief(t activities.Type) string {
	const room = 60
	text := plan.Notation(t)
	switch {
	case len(text) <= room:
		return text
	case t.Kind == activities.List:
		return "[" + brief(element(t)) + "]"
	case t.Kind == activities.Map:
		return "map of " + brief(element(t))
	}
	return "{" + strings.Join(firstFields(t), ", ") + "}"
}

func firstFields(t activities.Type) []string {
	var out []string
	for _, f := range t.Fields {
		out = append(out, f.Name)
	}
	if len(out) > 6 {
		out = append(out[:5], "…")
	}
	return out
}
