package falco

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// tags reads the list of tags, sorted: Falco promises no order.
func (r *reader) tags(key string) []string {
	if r.doc[key] == nil {
		return nil
	}
	list, ok := r.doc[key].([]any)
	if !ok {
		r.fail(key, "want a list of texts, got %s", kind(r.doc[key]))
		return nil
	}
	if len(list) > maxTags {
		r.fail(key, "holds %d tags, at most %d are taken", len(list), maxTags)
		return nil
	}
	var out []string
	for i, v := range list {
		if s := r.asText(fmt.Sprintf("%s[%d]", key, i), v, maxName); s != "" {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// fields copies the alert's fields. What is null stays null.
func (r *reader) fields(key string) map[string]any {
	if r.doc[key] == nil {
		return nil
	}
	given, ok := r.doc[key].(map[string]any)
	if !ok {
		r.fail(key, "want an object, got %s", kind(r.doc[key]))
		return nil
	}
	if len(given) > maxFields {
		r.fail(key, "holds %d fields, at most %d are taken", len(given), maxFields)
		return nil
	}
	out := make(map[string]any, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		out[name] = r.value(fmt.Sprintf("%s[%.80q]", key, name), given[name])
	}
	return out
}

// value keeps a field as it came. Falco's fields are flat; a list of texts or numbers is taken too.
func (r *reader) value(place string, v any) any {
	switch v := v.(type) {
	case json.Number:
		return exact(v)
	case []any:
		return r.list(place, v)
	case map[string]any:
		r.fail(place, "want one value, got an object")
		return nil
	}
	return v
}

func (r *reader) list(place string, list []any) []any {
	out := make([]any, len(list))
	for i, v := range list {
		switch v := v.(type) {
		case json.Number:
			out[i] = exact(v)
		case []any, map[string]any:
			r.fail(fmt.Sprintf("%s[%d]", place, i), "want one value, got %s", kind(v))
		default:
			out[i] = v
		}
	}
	return out
}

// exact gives a number in a form that any JSON reader gives back unchanged: integers beyond 2^53 would be rounded on
// their way through a double, so they travel as text.
func exact(n json.Number) any {
	const limit = 1 << 53
	if i, err := n.Int64(); err == nil && -limit <= i && i <= limit {
		return i
	}
	f, err := n.Float64()
	if err != nil || f >= limit || f <= -limit {
		return n.String()
	}
	return f
}

func kind(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case json.Number, int64, float64:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "null"
}
