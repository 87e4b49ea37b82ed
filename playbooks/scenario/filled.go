package scenario

import (
	"maps"

	"github.com/firebreak-ir/firebreak/activities"
)

// Filled gives an output with the required fields that a mock left out: empty ones, as an activity that found nothing
// gives them.
func Filled(given map[string]any, t activities.Type) map[string]any {
	out := map[string]any{}
	maps.Copy(out, given)
	for _, f := range t.Fields {
		value, there := out[f.Name]
		switch {
		case there:
			out[f.Name] = filled(value, f.Type)
		case f.Required:
			out[f.Name] = empty(f)
		}
	}
	return out
}

// filled goes into what a mock gave.
func filled(value any, t activities.Type) any {
	switch v := value.(type) {
	case map[string]any:
		if t.Kind == activities.Object {
			return Filled(v, t)
		}
	case []any:
		if t.Kind != activities.List || t.Elem == nil {
			return v
		}
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = filled(item, *t.Elem)
		}
		return list
	}
	return value
}

func empty(f activities.Field) any {
	switch f.Type.Kind {
	case activities.String:
		if f.Name == "status" {
			return string(activities.Done)
		}
		return ""
	case activities.Integer:
		return int64(0)
	case activities.Number:
		return 0.0
	case activities.Boolean:
		return false
	case activities.Time:
		return "0001-01-01T00:00:00Z"
	case activities.List:
		return []any{}
	case activities.Map:
		return map[string]any{}
	case activities.Object:
		return Filled(nil, f.Type)
	}
	return nil
}
