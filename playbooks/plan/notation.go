package plan

import (
	"fmt"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
)

// Notation writes a type in one line, as messages show it and the plan carries it:
// {name: string, pods?: [{name: string, ready: boolean}], labels: map of string}. A question mark follows an optional field.
func Notation(t activities.Type) string {
	var b strings.Builder
	write(&b, t)
	return b.String()
}

func write(b *strings.Builder, t activities.Type) {
	switch t.Kind {
	case activities.List:
		b.WriteByte('[')
		write(b, elem(t))
		b.WriteByte(']')
	case activities.Map:
		b.WriteString("map of ")
		write(b, elem(t))
	case activities.Object:
		writeObject(b, t)
	default:
		b.WriteString(string(t.Kind))
	}
}

func writeObject(b *strings.Builder, t activities.Type) {
	b.WriteByte('{')
	for i, f := range t.Fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f.Name)
		if !f.Required {
			b.WriteByte('?')
		}
		b.WriteString(": ")
		write(b, f.Type)
	}
	b.WriteByte('}')
}

func elem(t activities.Type) activities.Type {
	if t.Elem == nil {
		return activities.Type{Kind: activities.Any}
	}
	return *t.Elem
}

// ParseNotation reads what Notation wrote.
func ParseNotation(text string) (activities.Type, error) {
	r := notationReader{rest: text}
	t, err := r.value(0)
	if err == nil && r.rest != "" {
		err = fmt.Errorf("unexpected %q", r.rest)
	}
	if err != nil {
		return activities.Type{}, fmt.Errorf("type %q: %w", text, err)
	}
	return t, nil
}

type notationReader struct{ rest string }

const maxNesting = 64

func (r *notationReader) value(depth int) (activities.Type, error) {
	switch {
	case depth > maxNesting:
		return activities.Type{}, fmt.Errorf("nested deeper than %d", maxNesting)
	case r.take("["):
		inner, err := r.value(depth + 1)
		if err != nil {
			return activities.Type{}, err
		}
		return activities.Type{Kind: activities.List, Elem: &inner}, r.must("]")
	case r.take("map of "):
		inner, err := r.value(depth + 1)
		return activities.Type{Kind: activities.Map, Elem: &inner}, err
	case r.take("{"):
		return r.object(depth)
	}
	for _, kind := range scalarKinds() {
		if r.take(string(kind)) {
			return activities.Type{Kind: kind}, nil
		}
	}
	return activities.Type{}, fmt.Errorf("no type at %q", r.rest)
}

func scalarKinds() []activities.TypeKind {
	return []activities.TypeKind{
		activities.String, activities.Integer, activities.Number, activities.Boolean, activities.Time, activities.Any,
	}
}

func (r *notationReader) object(depth int) (activities.Type, error) {
	out := activities.Type{Kind: activities.Object}
	for !r.take("}") {
		if len(out.Fields) > 0 {
			if err := r.must(", "); err != nil {
				return out, err
			}
		}
		name, rest, ok := strings.Cut(r.rest, ": ")
		if !ok {
			return out, fmt.Errorf("no field at %q", r.rest)
		}
		r.rest = rest
		t, err := r.value(depth + 1)
		if err != nil {
			return out, err
		}
		bare := strings.TrimSuffix(name, "?")
		out.Fields = append(out.Fields, activities.Field{Name: bare, Required: bare == name, Type: t})
	}
	return out, nil
}

func (r *notationReader) take(prefix string) bool {
	rest, ok := strings.CutPrefix(r.rest, prefix)
	if ok {
		r.rest = rest
	}
	return ok
}

func (r *notationReader) must(prefix string) error {
	if !r.take(prefix) {
		return fmt.Errorf("no %q at %q", prefix, r.rest)
	}
	return nil
}
