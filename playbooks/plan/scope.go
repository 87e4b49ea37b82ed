package plan

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"

	"github.com/firebreak-ir/firebreak/activities"
)

// Scope is what one expression may see. All of it is data: an expression inside a value is never evaluated.
type Scope struct {
	Alert  any // Alert, or its plain form
	Inputs any // map[string]any as CheckInputs gave it
	Run    any // Run, or its plain form

	// Steps holds, by step id, the results that this place of the playbook sees: map[string]any with "status", "error"
	// and "output" of an activity, or the steps inside of a parallel or branch by their ids, or the "items" of a foreach.
	Steps map[string]any

	// Vars holds the current items of the enclosing foreach steps by their names, and the special variables of the place.
	Vars map[string]any

	// OutputType is the type of OutputVar, where Vars holds it.
	OutputType activities.Type
}

// variables knows the types of a plan's variables.
type variables struct {
	alert, inputs, run activities.Type
	steps              map[string]*shape
	items              map[string]activities.Type
}

func newVariables(p Plan) (*variables, error) {
	alert, err := activities.TypeOf(reflect.TypeFor[Alert]())
	if err != nil {
		return nil, err
	}
	run, err := activities.TypeOf(reflect.TypeFor[Run]())
	if err != nil {
		return nil, err
	}
	steps, err := p.shapes()
	if err != nil {
		return nil, err
	}
	v := &variables{alert: alert, run: run, inputs: InputsType(p.Inputs), steps: steps, items: map[string]activities.Type{}}
	for _, name := range SpecialNames() {
		if v.items[name], err = SpecialType(name); err != nil {
			return nil, err
		}
	}
	return v, v.collect(p.Steps, p.Finally)
}

// collect finds the types of the foreach variables. The compiler sees to it that one name has one type in a playbook.
func (v *variables) collect(blocks ...[]Step) error {
	for _, block := range blocks {
		for _, step := range block {
			if err := v.collectStep(step); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *variables) collectStep(step Step) error {
	if step.Foreach != nil {
		item := activities.Type{Kind: activities.Any}
		if step.Foreach.Item != "" {
			var err error
			if item, err = ParseNotation(step.Foreach.Item); err != nil {
				return fmt.Errorf("step %q: %w", step.ID, err)
			}
		}
		v.items[step.Foreach.As] = item
	}
	return v.collect(step.Blocks()...)
}

// InputsType is the type of the variable `inputs`. An input without a value is absent, and its type's zero value.
func InputsType(inputs []Input) activities.Type {
	out := activities.Type{Kind: activities.Object}
	for _, in := range inputs {
		out.Fields = append(out.Fields, activities.Field{Name: in.Name, Doc: in.Doc, Required: in.Required || in.Default != nil, Type: in.Type})
	}
	return out
}

// activation resolves the variables for CEL, each only when an expression asks for it.
type activation struct {
	Scope
	types *variables
	empty *absences
}

// Parent is nil: there is one level of names.
func (a activation) Parent() interpreter.Activation { return nil }

// ResolveName gives a variable.
func (a activation) ResolveName(name string) (any, bool) {
	switch name {
	case "alert":
		return declared(a.Alert, a.types.alert), true
	case "inputs":
		return declared(a.Inputs, a.types.inputs), true
	case "run":
		return declared(a.Run, a.types.run), true
	case "steps":
		return roots{shapes: a.types.steps, data: a.Steps, empty: a.empty}, true
	}
	item, ok := a.Vars[name]
	if !ok {
		return nil, false
	}
	if name == OutputVar && a.OutputType.Kind != "" {
		return declared(item, a.OutputType), true
	}
	return declared(item, a.types.items[name]), true
}

// declared presents a variable by its type; a Go struct is turned into plain data first.
func declared(v any, t activities.Type) any {
	switch v.(type) {
	case nil, bool, string, int64, float64, map[string]any, []any:
		return typed{t}.NativeToValue(v)
	}
	plain, err := Plain(v)
	if err != nil {
		return types.WrapErr(err)
	}
	return typed{t}.NativeToValue(plain)
}
