package plan

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/firebreak-ir/firebreak/activities"
)

// object is a value with declared fields.
type object struct {
	shape activities.Type
	data  map[string]any
}

func objectType(name string) *types.Type {
	return types.NewObjectType(name, traits.FieldTesterType, traits.IndexerType)
}

// Get gives a field, or its zero value when JSON left it out.
func (o object) Get(name ref.Val) ref.Val {
	field, ok := o.field(name)
	if !ok {
		return types.NewErr("no such field: %v", name.Value())
	}
	return typed{field.Type}.NativeToValue(o.data[field.Name])
}

// IsSet tells whether a field is there; this is has().
func (o object) IsSet(name ref.Val) ref.Val {
	field, ok := o.field(name)
	if !ok {
		return types.NewErr("no such field: %v", name.Value())
	}
	return types.Bool(o.data[field.Name] != nil)
}

func (o object) field(name ref.Val) (activities.Field, bool) {
	text, ok := name.(types.String)
	if !ok {
		return activities.Field{}, false
	}
	return o.shape.Field(string(text))
}

// Equal compares the fields as data.
func (o object) Equal(other ref.Val) ref.Val {
	b, ok := other.(object)
	return types.Bool(ok && reflect.DeepEqual(Copy(o.data), Copy(b.data)))
}

// Type gives CEL's type.
func (o object) Type() ref.Type { return objectType("object") }

// Value gives the plain data.
func (o object) Value() any { return o.data }

// ConvertToNative gives the plain data.
func (o object) ConvertToNative(t reflect.Type) (any, error) {
	if reflect.TypeOf(o.data).AssignableTo(t) {
		return o.data, nil
	}
	return nil, fmt.Errorf("an object is no %s", t)
}

// ConvertToType converts to itself alone.
func (o object) ConvertToType(t ref.Type) ref.Val {
	if t.TypeName() == "object" {
		return o
	}
	return types.NewErr("an object cannot be converted to %s", t.TypeName())
}
