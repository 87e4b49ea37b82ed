package plan

import (
	"encoding/json"
	"math"
	"slices"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/firebreak-ir/firebreak/activities"
)

// typed presents plain values to CEL as the declared type says: a whole JSON number is a double where a number is
// declared, a text is a timestamp where a time is, and a field that JSON left out is its type's zero value.
type typed struct{ activities.Type }

// untyped presents values whose type is not declared, by their form.
func untyped() typed { return typed{activities.Type{Kind: activities.Any}} }

// NativeToValue is CEL's way to ask for a value.
func (t typed) NativeToValue(v any) ref.Val {
	if done, ok := v.(ref.Val); ok {
		return done
	}
	v = number(v)
	switch t.Kind {
	case activities.String:
		return t.text(v)
	case activities.Boolean:
		return t.boolean(v)
	case activities.Integer:
		return t.integer(v)
	case activities.Number:
		return t.double(v)
	case activities.Time:
		return t.time(v)
	case activities.List:
		return t.list(v)
	case activities.Map:
		return t.mapping(v)
	case activities.Object:
		return t.object(v)
	}
	return byForm(v)
}

func byForm(v any) ref.Val {
	switch v := v.(type) {
	case []any:
		return types.NewDynamicList(untyped(), v)
	case map[string]any:
		return sorted{types.NewStringInterfaceMap(untyped(), v), v}
	}
	return types.DefaultTypeAdapter.NativeToValue(v)
}

func (t typed) mismatch(v any) ref.Val {
	return types.NewErr("a %s was declared here, but the value is %s", t.Kind, form(v))
}

func (t typed) text(v any) ref.Val {
	switch v := v.(type) {
	case nil:
		return types.String("")
	case string:
		return types.String(v)
	}
	return t.mismatch(v)
}

func (t typed) boolean(v any) ref.Val {
	switch v := v.(type) {
	case nil:
		return types.False
	case bool:
		return types.Bool(v)
	}
	return t.mismatch(v)
}

func (t typed) integer(v any) ref.Val {
	switch v := v.(type) {
	case nil:
		return types.IntZero
	case int64:
		return types.Int(v)
	}
	return t.mismatch(v)
}

func (t typed) double(v any) ref.Val {
	switch v := v.(type) {
	case nil:
		return types.Double(0)
	case int64:
		return types.Double(v)
	case float64:
		return types.Double(v)
	}
	return t.mismatch(v)
}

func (t typed) time(v any) ref.Val {
	switch v := v.(type) {
	case nil:
		return types.Timestamp{}
	case string:
		at, err := time.Parse(time.RFC3339Nano, v)
		if err != nil {
			return types.NewErr("a time was declared here, but the value %q is none", v)
		}
		return types.Timestamp{Time: at.UTC()}
	}
	return t.mismatch(v)
}

func (t typed) list(v any) ref.Val {
	switch v := v.(type) {
	case nil:
		return types.NewDynamicList(typed{elem(t.Type)}, []any{})
	case []any:
		return types.NewDynamicList(typed{elem(t.Type)}, v)
	}
	return t.mismatch(v)
}

func (t typed) mapping(v any) ref.Val {
	switch v := v.(type) {
	case nil:
		return sorted{types.NewStringInterfaceMap(typed{elem(t.Type)}, map[string]any{}), nil}
	case map[string]any:
		return sorted{types.NewStringInterfaceMap(typed{elem(t.Type)}, v), v}
	}
	return t.mismatch(v)
}

func (t typed) object(v any) ref.Val {
	switch v := v.(type) {
	case nil:
		return object{shape: t.Type}
	case map[string]any:
		return object{shape: t.Type, data: v}
	}
	return t.mismatch(v)
}

// form names a value's form for a message, without showing it: it may be an attacker's.
func form(v any) string {
	switch v := v.(type) {
	case nil:
		return "empty"
	case string:
		return "text"
	case bool:
		return "a boolean"
	case int64, json.Number:
		return "a whole number"
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "not a finite number"
		}
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	}
	return "something unknown"
}

// sorted is a map whose keys come in sorted order, so that no evaluation depends on the order of a Go map.
type sorted struct {
	traits.Mapper
	data map[string]any
}

// Iterator gives the keys in sorted order.
func (s sorted) Iterator() traits.Iterator {
	return types.NewStringList(types.DefaultTypeAdapter, sortedKeys(s.data)).Iterator()
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
