package plan

import (
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/firebreak-ir/firebreak/activities"
)

// shape is how the results of one step look to expressions.
type shape struct {
	id       string
	output   activities.Type
	children map[string]*shape // of parallel, of then and else, of one item of foreach
	item     *shape            // of foreach
}

// shapes finds the shape of every step; ids are unique in a playbook.
func (p Plan) shapes() (map[string]*shape, error) {
	s := shaper{plan: p, all: map[string]*shape{}, types: map[string]activities.Type{}}
	if _, err := s.block(p.Steps); err != nil {
		return nil, err
	}
	_, err := s.block(p.Finally)
	return s.all, err
}

type shaper struct {
	plan  Plan
	all   map[string]*shape
	types map[string]activities.Type // by their notations: most steps of a playbook share a few
}

// typed reads a type, each notation once.
func (s shaper) typed(notation string) (activities.Type, error) {
	if t, known := s.types[notation]; known {
		return t, nil
	}
	t, err := ParseNotation(notation)
	if err == nil {
		s.types[notation] = t
	}
	return t, err
}

func (s shaper) block(steps []Step) (map[string]*shape, error) {
	out := map[string]*shape{}
	for _, step := range steps {
		one, err := s.step(step)
		if err != nil {
			return nil, err
		}
		s.all[step.ID], out[step.ID] = one, one
	}
	return out, nil
}

func (s shaper) step(step Step) (*shape, error) {
	out := &shape{id: step.ID, output: activities.Type{Kind: activities.Any}}
	var err error
	switch {
	case step.Output != "":
		out.output, err = s.typed(step.Output)
	case step.Uses != nil:
		if text := s.plan.Types[step.Uses.Activity]; text != "" {
			out.output, err = s.typed(text)
		}
	case step.Foreach != nil:
		out.item = &shape{id: step.ID + " item"}
		out.item.children, err = s.block(step.Foreach.Do)
	case step.Parallel != nil || step.Branch != nil || step.Switch != nil:
		out.children, err = s.inside(step)
	}
	if err == nil {
		err = s.caught(step)
	}
	return out, err
}

// inside gives the steps of all blocks of a step, which stand side by side: ids are unique.
func (s shaper) inside(step Step) (map[string]*shape, error) {
	step.Catch = nil
	var all []Step
	for _, block := range step.Blocks() {
		all = append(all, block...)
	}
	return s.block(all)
}

// caught makes the steps of `catch` known among themselves; from outside they cannot be seen.
func (s shaper) caught(step Step) error {
	for _, c := range step.Catch {
		if _, err := s.block(c.Do); err != nil {
			return err
		}
	}
	return nil
}

// roots is the variable `steps`.
type roots struct {
	shapes map[string]*shape
	data   map[string]any
	empty  *absences
}

// absences notes the steps whose output was asked for and is not there, so that an error can name them.
type absences struct{ steps []string }

// Get gives a step; one that has not run looks skipped.
func (r roots) Get(name ref.Val) ref.Val {
	id, _ := name.Value().(string)
	known, ok := r.shapes[id]
	if !ok {
		return types.NewErr("there is no step %q", id)
	}
	return view{known, r.empty}.see(r.data[id])
}

// IsSet tells whether a step has run.
func (r roots) IsSet(name ref.Val) ref.Val {
	id, _ := name.Value().(string)
	return types.Bool(r.data[id] != nil)
}

// view presents the data of a step in its shape.
type view struct {
	*shape
	empty *absences
}

func (s view) see(v any) ref.Val {
	switch v := v.(type) {
	case nil:
		return result{view: s}
	case map[string]any:
		return result{view: s, data: v}
	}
	return types.NewErr("the result of step %q is %s", s.id, form(v))
}

// NativeToValue is CEL's way to ask for an item of a foreach.
func (s view) NativeToValue(v any) ref.Val {
	if done, ok := v.(ref.Val); ok {
		return done
	}
	return s.see(v)
}

// result is what expressions see of one step, or of one item of a foreach.
type result struct {
	view
	data map[string]any
}

// Get gives output, status, error, items or a step inside.
func (r result) Get(name ref.Val) ref.Val {
	field, _ := name.Value().(string)
	switch field {
	case "status":
		if r.data == nil {
			return types.String(activities.StepSkipped)
		}
		return typed{activities.Type{Kind: activities.String}}.NativeToValue(r.data[field])
	case "error":
		return typed{activities.Type{Kind: activities.String}}.NativeToValue(r.data[field])
	case "items":
		if r.item != nil {
			return r.items()
		}
	case "output":
		switch {
		case r.children != nil:
			return r.gathered()
		case r.item == nil:
			return r.given()
		}
	}
	if child, ok := r.children[field]; ok {
		return view{child, r.empty}.see(r.data[field])
	}
	return types.NewErr("step %q has no %q", r.id, field)
}

func (r result) given() ref.Val {
	if r.data["output"] == nil {
		r.empty.steps = append(r.empty.steps, r.id)
		return types.NullValue
	}
	return typed{r.output}.NativeToValue(r.data["output"])
}

// gathered is the output of a parallel, an if or a switch: the outputs of the steps inside that have one, by their ids.
func (r result) gathered() ref.Val {
	out := map[string]any{}
	for id := range r.children { // into a map: the order does not matter
		if child, ok := r.data[id].(map[string]any); ok && child["output"] != nil {
			out[id] = child["output"]
		}
	}
	return typed{activities.Type{Kind: activities.Map}}.NativeToValue(out)
}

func (r result) items() ref.Val {
	switch list := r.data["items"].(type) {
	case nil:
		return types.NewDynamicList(view{r.item, r.empty}, []any{})
	case []any:
		return types.NewDynamicList(view{r.item, r.empty}, list)
	default:
		return types.NewErr("the items of step %q are %s", r.id, form(list))
	}
}

// IsSet is has(): a step that was skipped or failed has no output.
func (r result) IsSet(name ref.Val) ref.Val {
	field, _ := name.Value().(string)
	if field == "output" && r.children != nil {
		return types.Bool(r.data != nil)
	}
	return types.Bool(r.data[field] != nil)
}

// The rest makes the two kinds above values of CEL.

func (r roots) Equal(other ref.Val) ref.Val               { return types.False }
func (r roots) Type() ref.Type                            { return objectType("steps") }
func (r roots) Value() any                                { return r.data }
func (r roots) ConvertToNative(reflect.Type) (any, error) { return nil, notNative{} }
func (r roots) ConvertToType(ref.Type) ref.Val            { return types.WrapErr(notNative{}) }

func (r result) Equal(other ref.Val) ref.Val {
	b, ok := other.(result)
	return types.Bool(ok && reflect.DeepEqual(Copy(r.data), Copy(b.data)))
}
func (r result) Type() ref.Type                            { return objectType("step") }
func (r result) Value() any                                { return r.data }
func (r result) ConvertToNative(reflect.Type) (any, error) { return nil, notNative{} }
func (r result) ConvertToType(ref.Type) ref.Val            { return types.WrapErr(notNative{}) }

var (
	_ traits.FieldTester = roots{}
	_ traits.FieldTester = result{}
	_ traits.FieldTester = object{}
)

type notNative struct{}

func (notNative) Error() string { return "a step's result cannot be converted" }
