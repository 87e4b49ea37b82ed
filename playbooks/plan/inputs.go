package plan

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// CheckInputs checks the values that a run is started with against the declared inputs and gives them with the defaults
// filled in. All that is wrong comes back in one joined error. The given map is not changed.
func CheckInputs(p Plan, given map[string]any) (map[string]any, error) {
	out := map[string]any{}
	var wrong []error
	for _, in := range p.Inputs {
		v, ok := given[in.Name]
		switch {
		case !ok && in.Required:
			wrong = append(wrong, fmt.Errorf("input %q is missing: %s", in.Name, doc(in)))
		case !ok && in.Default != nil:
			out[in.Name] = Copy(in.Default)
		case ok:
			plain, err := Plain(v)
			if err == nil {
				err = Fits(plain, in.Type)
			}
			if err != nil {
				wrong = append(wrong, fmt.Errorf("input %q: %w", in.Name, err))
				continue
			}
			out[in.Name] = plain
		}
	}
	for _, name := range sortedKeys(given) {
		if !slices.ContainsFunc(p.Inputs, func(in Input) bool { return in.Name == name }) {
			wrong = append(wrong, fmt.Errorf("playbook %q has no input %q; it has %s", p.Name, name, names(p.Inputs)))
		}
	}
	return out, errors.Join(wrong...)
}

func doc(in Input) string {
	if in.Doc != "" {
		return in.Doc
	}
	return "a " + Notation(in.Type) + " is needed"
}

func names(inputs []Input) string {
	if len(inputs) == 0 {
		return "none"
	}
	var out []string
	for _, in := range inputs {
		out = append(out, in.Name)
	}
	return strings.Join(out, ", ")
}

// ParseInput reads an input's value as it was typed on a command line: text as it is, anything else as JSON.
func ParseInput(p Plan, name, text string) (any, error) {
	i := slices.IndexFunc(p.Inputs, func(in Input) bool { return in.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("playbook %q has no input %q; it has %s", p.Name, name, names(p.Inputs))
	}
	if kind := p.Inputs[i].Type.Kind; kind == activities.String || kind == activities.Time {
		return text, nil
	}
	v, err := Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("input %q: %s is no %s", name, strconv.Quote(text), Notation(p.Inputs[i].Type))
	}
	return v, nil
}

// Fits tells whether a plain value has the declared type. An object takes no unknown field and misses none that is
// required.
func Fits(v any, t activities.Type) error {
	switch t.Kind {
	case activities.Any:
		return nil
	case activities.List:
		return fitsList(v, t)
	case activities.Map:
		return fitsMap(v, t)
	case activities.Object:
		return fitsObject(v, t)
	}
	if !fitsScalar(v, t.Kind) {
		return fmt.Errorf("the type is %s, but the value is %s", t.Kind, form(v))
	}
	return nil
}

func fitsScalar(v any, kind activities.TypeKind) bool {
	switch v := number(v).(type) {
	case string:
		if kind == activities.Time {
			_, err := time.Parse(time.RFC3339Nano, v)
			return err == nil
		}
		return kind == activities.String
	case bool:
		return kind == activities.Boolean
	case int64:
		return kind == activities.Integer || kind == activities.Number
	case float64:
		return kind == activities.Number
	}
	return false
}

func fitsList(v any, t activities.Type) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("a list is needed, not %s", form(v))
	}
	for i, item := range list {
		if err := Fits(item, elem(t)); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return nil
}

func fitsMap(v any, t activities.Type) error {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("a map is needed, not %s", form(v))
	}
	for _, key := range sortedKeys(m) {
		if err := Fits(m[key], elem(t)); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
	}
	return nil
}

func fitsObject(v any, t activities.Type) error {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("a map is needed, not %s", form(v))
	}
	for _, f := range t.Fields {
		if _, there := m[f.Name]; !there && f.Required {
			return fmt.Errorf("%q is missing", f.Name)
		}
	}
	for _, key := range sortedKeys(m) {
		f, known := t.Field(key)
		if !known {
			return fmt.Errorf("there is no field %q", key)
		}
		if err := Fits(m[key], f.Type); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
	}
	return nil
}
