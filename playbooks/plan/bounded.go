package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// CutMark is the field of an alert that says what Bounded left out of it.
const CutMark = "firebreak.cut"

// Sizes in JSON of what is left of an alert that was cut.
const (
	keptSummary = 1000
	keptText    = 150 // any other text, where that alone is too much
	keptName    = 48  // the name of a field that was left out
	keptMark    = 800 // more than a mark ever has
	namedFields = 8   // of those that were left out
)

// Bounded gives the alert in at most that many bytes of JSON, and never less than 4 KB of it: a small one as it is. Of a
// large one the summary is shortened and the largest fields are left out, and the field CutMark says so; where even that
// is not enough, tags are left out and every text is shortened. The same alert is always cut in the same way.
func (a Alert) Bounded(most int) Alert {
	whole := jsonSize(a)
	if whole <= most {
		return a
	}
	c := cutting{alert: a}
	c.shorten("summary", &c.alert.Summary, keptSummary)
	c.dropFields(most)
	if c.mark(whole, most); jsonSize(c.alert) > most {
		c.shortenAll()
		c.mark(whole, most)
	}
	return c.alert
}

// cutting is one alert as it is made smaller.
type cutting struct {
	alert     Alert
	shortened []string
	dropped   []sized
}

// sized is a field and how much it takes in JSON.
type sized struct {
	name        string
	value, size int
}

// dropFields leaves out the largest fields, and of two of one size the one whose name comes first.
func (c *cutting) dropFields(most int) {
	fields := sizes(c.alert.Fields)
	kept := maps.Clone(c.alert.Fields)
	c.alert.Fields = nil
	left := jsonSize(c.alert) + keptMark
	for _, f := range fields {
		left += f.size
	}
	for _, f := range fields {
		if left <= most {
			break
		}
		left -= f.size
		delete(kept, f.name)
		c.dropped = append(c.dropped, f)
	}
	c.alert.Fields = kept
}

// sizes measures fields and puts the largest first.
func sizes(fields map[string]any) []sized {
	var list []sized
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := jsonSize(fields[name])
		list = append(list, sized{name, value, jsonSize(name) + value + len(":,")})
	}
	slices.SortStableFunc(list, func(a, b sized) int { return cmp.Compare(b.size, a.size) })
	return list
}

// shortenAll is for an alert whose names alone are too much.
func (c *cutting) shortenAll() {
	if len(c.alert.Tags) > 0 {
		c.shortened = append(c.shortened, fmt.Sprintf("tags (all %d)", len(c.alert.Tags)))
		c.alert.Tags = nil
	}
	a, t := &c.alert, &c.alert.Target
	c.shorten("summary", &a.Summary, keptText)
	c.shorten("id", &a.ID, keptText)
	c.shorten("source", &a.Source, keptText)
	c.shorten("cluster", &a.Cluster, keptText)
	c.shorten("rule", &a.Rule, keptText)
	c.shorten("priority", &a.Priority, keptText)
	c.shorten("namespace", &t.Namespace, keptText)
	c.shorten("pod", &t.Pod, keptText)
	c.shorten("owner", &t.Owner, keptText)
	c.shorten("container", &t.Container, keptText)
	c.shorten("containerID", &t.ContainerID, keptText)
	c.shorten("image", &t.Image, keptText)
	c.shorten("node", &t.Node, keptText)
	c.shorten("processName", &t.ProcessName, keptText)
	c.shorten("processParent", &t.ProcessParent, keptText)
}

func (c *cutting) shorten(name string, text *string, most int) {
	short := shortText(*text, most)
	if short == *text {
		return
	}
	*text = short
	if !slices.Contains(c.shortened, name) {
		c.shortened = append(c.shortened, name)
	}
}

// mark writes into the alert what was cut, for whoever reads it later.
func (c *cutting) mark(whole, most int) {
	parts := []string{fmt.Sprintf("cut from %d to fit %d bytes", whole, most)}
	if len(c.shortened) > 0 {
		parts = append(parts, "shortened: "+strings.Join(c.shortened, ", "))
	}
	var names []string
	for _, f := range c.dropped[:min(namedFields, len(c.dropped))] {
		names = append(names, fmt.Sprintf("%s (%d bytes)", shortText(f.name, keptName), f.value))
	}
	if more := len(c.dropped) - namedFields; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	if len(names) > 0 {
		parts = append(parts, "left out: "+strings.Join(names, ", "))
	}
	fields := maps.Clone(c.alert.Fields)
	if fields == nil {
		fields = map[string]any{}
	}
	fields[CutMark] = strings.Join(parts, "; ")
	c.alert.Fields = fields
}

// shortText gives the beginning of a text that takes at most that many bytes in JSON, ending with an ellipsis.
func shortText(text string, most int) string {
	if jsonSize(text) <= most {
		return text
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	left, end := most-len(`""…`), 0
	for i, r := range text {
		if left -= jsonSize(string(r)) - len(`""`); left < 0 {
			break
		}
		end = i + utf8.RuneLen(r)
	}
	return text[:end] + "…"
}

// jsonSize is how many bytes a value takes in JSON; what JSON refuses takes none, and is refused where it is sent.
func jsonSize(value any) int {
	raw, err := json.Marshal(value)
	if err != nil {
		return 0
	}
	return len(raw)
}
