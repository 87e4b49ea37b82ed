package compile

import (
	"slices"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// The words of the wider language that this version does not run. Silently ignoring one would leave out a safeguard.

func widerTop() []string { return []string{"guards", "approvers", "slo"} }

func widerTrigger() []string {
	return []string{"alertmanager", "schedule", "cloudevents", "mode", "alert"}
}

// refuse reports the keys that are words of the language but not of this version.
func (c *compiler) refuse(m *syntax.Mapping, keys []string) {
	if m.Node() == nil {
		return
	}
	for _, e := range m.Node().Entries {
		if slices.Contains(keys, e.Key.Text) {
			c.reader.Report(e.Key, "not-supported", "%q is not supported by this version", e.Key.Text)
			m.Has(e.Key.Text)
		}
	}
}

func hasAny(n *syntax.Node, keys []string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return n.Get(key) != nil })
}
