package syntax

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Each reader below gives the zero value when the key is absent or its value is wrong; wrong ones are reported.

// Text reads text.
func (m *Mapping) Text(key string) string {
	return m.reader.Text(m.Optional(key), strconv.Quote(key))
}

// RequiredText reads text that must be there and not be empty.
func (m *Mapping) RequiredText(key string) string {
	n := m.Required(key)
	if n != nil && n.Kind == Text && strings.TrimSpace(n.Text) == "" {
		m.reader.Report(n, "type", "%q must not be empty", key)
	}
	return m.reader.Text(n, strconv.Quote(key))
}

// OneOf reads text that must be one of the given words.
func (m *Mapping) OneOf(key string, words ...string) string {
	text := m.Text(key)
	if text != "" && !slices.Contains(words, text) {
		m.reader.Report(m.Optional(key), "value", "%q cannot be %q%s", key, text, DidYouMean(text, words))
		return ""
	}
	return text
}

// Bool reads a boolean.
func (m *Mapping) Bool(key string) bool {
	n := m.Optional(key)
	return m.reader.scalar(n, strconv.Quote(key), Bool) && strings.EqualFold(n.Text, "true")
}

// Int reads a whole number between low and high.
func (m *Mapping) Int(key string, low, high int) int {
	n := m.Optional(key)
	if !m.reader.scalar(n, strconv.Quote(key), Int) {
		return 0
	}
	v, err := strconv.ParseInt(n.Text, 0, 64)
	if err != nil || v < int64(low) || v > int64(high) {
		m.reader.Report(n, "value", "%q must be a whole number from %d to %d, not %s", key, low, high, n.Text)
		return 0
	}
	return int(v)
}

// Number reads a number between low and high.
func (m *Mapping) Number(key string, low, high float64) float64 {
	n := m.Optional(key)
	if n == nil || n.Kind == Broken {
		return 0
	}
	v, err := strconv.ParseFloat(n.Text, 64)
	if n.Kind != Int && n.Kind != Float || err != nil || !(v >= low && v <= high) {
		m.reader.Report(n, "value", "%q must be a number from %v to %v, not %s", key, low, high, n.shown())
		return 0
	}
	return v
}

// Duration reads a time such as 90s, 5m or 2h that is at least low and at most high.
func (m *Mapping) Duration(key string, low, high time.Duration) time.Duration {
	n := m.Optional(key)
	if n == nil || n.Kind == Broken {
		return 0
	}
	d, err := time.ParseDuration(n.Text)
	switch {
	case err != nil || n.Kind == List || n.Kind == Map:
		m.reader.Report(n, "duration", "%q must be a time such as 90s, 5m or 2h30m, not %s", key, n.shown())
		return 0
	case d < low || d > high:
		m.reader.Report(n, "duration", "%q must be from %s to %s, not %s", key, Short(low), Short(high), n.Text)
		return 0
	}
	return d
}

// Short writes a duration without its zero parts: 2h, not 2h0m0s.
func Short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Texts reads a list of texts.
func (m *Mapping) Texts(key string) []string {
	var out []string
	for _, item := range m.List(key) {
		if item.Kind == Text {
			out = append(out, item.Text)
			continue
		}
		m.reader.Text(item, "an item of "+strconv.Quote(key))
	}
	return out
}

// List reads a list.
func (m *Mapping) List(key string) []*Node {
	n := m.Optional(key)
	if n == nil || n.Kind == Broken {
		return nil
	}
	if n.Kind != List {
		m.reader.wrong(n, strconv.Quote(key), List)
		return nil
	}
	return n.Items
}

// Map reads a map; without the key its Mapping has no entries.
func (m *Mapping) Map(key string) *Mapping {
	return m.reader.Map(m.Optional(key), strconv.Quote(key))
}

// Text reads a node as text; a nil node is "".
func (r *Reader) Text(n *Node, what string) string {
	if !r.scalar(n, what, Text) {
		return ""
	}
	return n.Text
}

func (r *Reader) scalar(n *Node, what string, want Kind) bool {
	if n == nil || n.Kind == Broken {
		return false
	}
	if n.Kind == want {
		return true
	}
	if want == Text && (n.Kind == Int || n.Kind == Float || n.Kind == Bool) {
		r.Report(n, "type", "%s must be text, but %s is %s in YAML; quote it: \"%s\"", what, n.Text, n.Kind, n.Text)
		return false
	}
	r.wrong(n, what, want)
	return false
}

// shown is how a message names the value.
func (n *Node) shown() string {
	if n.Kind == List || n.Kind == Map || n.Kind == Null {
		return string(n.Kind)
	}
	return strconv.Quote(n.Text)
}
