package cacao

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// field is one key of a map, in the order in which it is written.
type field struct {
	key   string
	value any
}

// step is a step of the skeleton.
type step struct {
	comments []string
	fields   []field
}

// set adds a field or replaces it.
func (s *step) set(key string, v any) {
	for i := range s.fields {
		if s.fields[i].key == key {
			s.fields[i].value = v
			return
		}
	}
	s.fields = append(s.fields, field{key, v})
}

func (s *step) has(key string) bool {
	return slices.ContainsFunc(s.fields, func(f field) bool { return f.key == key })
}

func (s *step) comment(format string, args ...any) {
	s.comments = append(s.comments, fmt.Sprintf(format, args...))
}

// text writes YAML: blocks for steps, and one line for what has none.
type text struct{ strings.Builder }

func (t *text) comment(indent int, line string) {
	for part := range strings.SplitSeq(line, "\n") {
		t.WriteString(strings.TrimRight(strings.Repeat(" ", indent)+"# "+printable(part), " ") + "\n")
	}
}

// printable keeps a comment on its line.
func printable(line string) string {
	var b strings.Builder
	for _, r := range line {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
	}
	return b.String()
}

func (t *text) mapping(indent int, fields []field) {
	for _, f := range fields {
		t.field(indent, f)
	}
}

func (t *text) field(indent int, f field) {
	lead := strings.Repeat(" ", indent) + scalar(f.key) + ":"
	switch v := f.value.(type) {
	case []field:
		t.WriteString(lead + "\n")
		t.mapping(indent+2, v)
	case []*step:
		t.WriteString(lead + "\n")
		t.steps(indent+2, v)
	case []block:
		t.WriteString(lead + "\n")
		for _, b := range v {
			t.WriteString(strings.Repeat(" ", indent+2) + "-")
			t.inItem(indent+4, b)
		}
	default:
		t.WriteString(lead + " " + flow(v) + "\n")
	}
}

// block is an item of a list that holds steps: a case of a switch, or a catch.
type block []field

// inItem writes a map whose first key stands behind a dash.
func (t *text) inItem(indent int, fields []field) {
	var inner text
	inner.mapping(indent, fields)
	t.WriteString(" " + strings.TrimLeft(inner.String(), " "))
}

func (t *text) steps(indent int, list []*step) {
	for _, s := range list {
		for _, line := range s.comments {
			t.comment(indent, line)
		}
		t.WriteString(strings.Repeat(" ", indent) + "-")
		t.inItem(indent+2, s.fields)
	}
}

// flow writes a value in one line.
func flow(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return scalar(v)
	case []string:
		var out []string
		for _, item := range v {
			out = append(out, scalar(item))
		}
		return "[" + strings.Join(out, ", ") + "]"
	case []any:
		var out []string
		for _, item := range v {
			out = append(out, flow(item))
		}
		return "[" + strings.Join(out, ", ") + "]"
	case map[string]any:
		var out []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out = append(out, scalar(key)+": "+flow(v[key]))
		}
		return "{" + strings.Join(out, ", ") + "}"
	case json.Number:
		return v.String()
	}
	return fmt.Sprint(v)
}

// scalar writes a text: bare where nothing can be read into it, else in quotes. Go's escapes are YAML's.
func scalar(v string) string {
	plain := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)
	word := regexp.MustCompile(`(?i)^(true|false|null|yes|no|on|off|y|n|nan|inf)$`)
	if plain.MatchString(v) && !word.MatchString(v) {
		return v
	}
	return strconv.Quote(v)
}
