package cacao

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// reader reads the properties of one object and remembers which: those that nobody asked for are listed at the end.
type reader struct {
	path   string // JSON pointer
	fields map[string]any
	seen   map[string]bool
}

func newReader(path string, v any) *reader {
	fields, _ := v.(map[string]any)
	return &reader{path: path, fields: fields, seen: map[string]bool{}}
}

// at is the JSON pointer of a property.
func (r *reader) at(key string) string {
	return r.path + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

// text reads a text. What is no text stays unread.
func (r *reader) text(key string) string {
	text, ok := r.fields[key].(string)
	if ok {
		r.seen[key] = true
	}
	return text
}

func (r *reader) number(key string) int64 {
	n, _ := r.fields[key].(json.Number)
	v, err := n.Int64()
	if err != nil {
		return 0
	}
	r.seen[key] = true
	return v
}

func (r *reader) flag(key string) bool {
	v, ok := r.fields[key].(bool)
	if ok {
		r.seen[key] = true
	}
	return v
}

// texts reads a list of texts; a list with anything else in it stays unread.
func (r *reader) texts(key string) []string {
	list, _ := r.fields[key].([]any)
	var out []string
	for _, item := range list {
		text, ok := item.(string)
		if !ok {
			return nil
		}
		out = append(out, text)
	}
	if list != nil {
		r.seen[key] = true
	}
	return out
}

func (r *reader) list(key string) []any {
	list, ok := r.fields[key].([]any)
	if ok {
		r.seen[key] = true
	}
	return list
}

// object reads an object whose own properties are accounted for by themselves.
func (r *reader) object(key string) *reader {
	if _, ok := r.fields[key].(map[string]any); ok {
		r.seen[key] = true
	}
	return newReader(r.at(key), r.fields[key])
}

// skip takes properties as read.
func (r *reader) skip(keys ...string) {
	for _, key := range keys {
		r.seen[key] = true
	}
}

func (r *reader) keys() []string { return slices.Sorted(maps.Keys(r.fields)) }

// rest are the properties that nobody asked for.
func (r *reader) rest() []string {
	return slices.DeleteFunc(r.keys(), func(key string) bool { return r.seen[key] })
}
