package compile

import (
	"reflect"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// provider tells CEL's checker the declared types. Two objects with the same fields are one type.
type provider struct {
	names   map[string]string            // notation -> name of the object type
	seen    map[*activities.Field]string // first field -> name of the object type
	objects map[string]activities.Type   // name -> type
	views   map[string]*view             // name -> what a place sees of a step
	roots   map[string]activities.Type   // alert, inputs, run
	steps   map[string]*view             // what `steps` holds at the place that is being checked
	misses  []miss                       // fields that were asked for and are not there
	base    types.Provider
}

type miss struct{ object, field string }

// Names of the variables that every expression may have.
const (
	stepsType  = "steps"
	inputsType = "inputs"
)

func newProvider(known *Types) *provider {
	p := &provider{
		names:   map[string]string{},
		seen:    map[*activities.Field]string{},
		objects: map[string]activities.Type{},
		views:   map[string]*view{},
		roots:   map[string]activities.Type{},
	}
	if base, err := types.NewRegistry(); err == nil {
		p.base = base
	}
	for name, t := range map[string]reflect.Type{"alert": reflect.TypeFor[plan.Alert](), "run": reflect.TypeFor[plan.Run]()} {
		if declared, err := known.of(t); err == nil {
			p.set(name, declared)
		}
	}
	p.set(inputsType, plan.InputsType(nil))
	return p
}

// set declares the type of one of the roots; its CEL type has the root's name.
func (p *provider) set(root string, t activities.Type) {
	p.roots[root], p.objects[root] = t, t
}

// fields names the fields of an object type, for "did you mean".
func (p *provider) fields(name string) []string {
	if name == stepsType {
		return sortedNames(p.steps)
	}
	if v, ok := p.views[name]; ok {
		return v.fields()
	}
	var out []string
	for _, f := range p.objects[name].Fields {
		out = append(out, f.Name)
	}
	return out
}

func sortedNames[V any](m map[string]V) []string {
	var out []string
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// EnumValue is for CEL; there are no enumerations.
func (p *provider) EnumValue(name string) ref.Val { return p.base.EnumValue(name) }

// FindIdent knows CEL's own type names alone.
func (p *provider) FindIdent(name string) (ref.Val, bool) { return p.base.FindIdent(name) }

// FindStructType knows the declared objects and the views of steps.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.views[name]; !ok && !p.taken(name) && name != stepsType {
		return nil, false
	}
	return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
}

// FindStructFieldNames is for CEL.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	_, ok := p.FindStructType(name)
	return p.fields(name), ok
}

// FindStructFieldType gives a field's type, and notes the ones that are not there.
func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	t, ok := p.fieldType(name, field)
	if !ok {
		p.misses = append(p.misses, miss{name, field})
		return nil, false
	}
	return &types.FieldType{Type: t}, true
}

func (p *provider) fieldType(name, field string) (*types.Type, bool) {
	if name == stepsType {
		v, ok := p.steps[field]
		if !ok {
			return nil, false
		}
		return cel.ObjectType(v.name), true
	}
	if v, ok := p.views[name]; ok {
		return v.fieldType(p, field)
	}
	f, ok := p.objects[name].Field(field)
	return p.celType(f.Type), ok
}

// NewValue is for CEL; expressions make no objects.
func (p *provider) NewValue(name string, _ map[string]ref.Val) ref.Val {
	return types.NewErr("an expression cannot make a %s", name)
}
