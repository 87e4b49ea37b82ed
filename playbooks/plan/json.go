package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Decode reads JSON into plain values without losing whole numbers: map[string]any, []any, string, bool, nil, int64
// for a number without a fraction, float64 for any other. Results of activities are read with it.
func Decode(raw []byte) (any, error) {
	raw = bytes.TrimSpace(raw)
	if v, is := scalar(raw); is {
		return v, nil
	}
	return decoded(raw)
}

func decoded(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("decode value: %w", err)
	}
	return Copy(v), nil
}

// scalar reads what needs no decoder: most literals of a plan are words, and a long plan is read anew by every worker that
// takes its case up.
func scalar(raw []byte) (any, bool) {
	if len(raw) == 0 {
		return nil, true
	}
	switch text := string(raw); text {
	case "null":
		return nil, true
	case "true", "false":
		return text == "true", true
	}
	last := len(raw) - 1
	if raw[0] != '"' || last == 0 || raw[last] != '"' || bytes.IndexFunc(raw[1:last], escaped) >= 0 {
		return nil, false
	}
	return string(raw[1:last]), true
}

// escaped tells a rune that stands otherwise in JSON than in a string, and one that is no text.
func escaped(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == utf8.RuneError }

// Plain turns any value that JSON can carry, such as a struct, into plain values.
func Plain(v any) (any, error) {
	switch v.(type) {
	case nil, bool, string, int64, float64, map[string]any, []any:
		return Copy(v), nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode value: %w", err)
	}
	return Decode(raw)
}

// Copy gives a deep copy of plain values, with numbers in their plain form.
func Copy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = Copy(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = Copy(item)
		}
		return out
	}
	return number(v)
}

// number gives a number as int64 when it is whole and exact, else as float64; anything else comes back as it is.
func number(v any) any {
	switch v := v.(type) {
	case json.Number:
		return parseNumber(v.String())
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case int:
		return int64(v)
	}
	return v
}

func parseNumber(text string) any {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	if strings.ContainsAny(text, ".eE") {
		return number(f)
	}
	return f
}

// UnmarshalJSON reads an alert and keeps the whole numbers of its fields whole.
func (a *Alert) UnmarshalJSON(raw []byte) error {
	type bare Alert
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var b bare
	if err := d.Decode(&b); err != nil {
		return err
	}
	if b.Fields != nil {
		b.Fields, _ = Copy(b.Fields).(map[string]any)
	}
	*a = Alert(b)
	return nil
}

// UnmarshalJSON reads a template and keeps whole literals whole.
func (v *Value) UnmarshalJSON(raw []byte) error {
	type bare Value
	b := struct {
		*bare

		Literal json.RawMessage `json:"literal"`
	}{bare: &bare{}}
	if err := json.Unmarshal(raw, &b); err != nil {
		return err
	}
	literal, err := Decode(b.Literal)
	*v = Value(*b.bare)
	v.Literal = literal
	return err
}

// UnmarshalJSON reads an input and keeps a whole default whole.
func (i *Input) UnmarshalJSON(raw []byte) error {
	type bare Input
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var b bare
	if err := d.Decode(&b); err != nil {
		return err
	}
	b.Default = Copy(b.Default)
	*i = Input(b)
	return nil
}
