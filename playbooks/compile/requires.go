package compile

import (
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// requirement is what one step wants to be there before it begins.
type requirement struct {
	path     string // of that step
	evidence []reference
	waived   []string
	facts    facts // what holds when the step begins
}

// reference names a step from afar.
type reference struct {
	node *syntax.Node
	path string
}

// destruction is a step that runs an activity which no undo brings back.
type destruction struct {
	node     *syntax.Node // the activity's name
	path     string
	activity string
}

// requires reads the evidence that must be there before the step.
func (c *compiler) requires(m *syntax.Mapping, s plan.Step, p place) *plan.Requires {
	if !m.Has("requires") {
		return nil
	}
	head := m.Map("requires")
	out := &plan.Requires{}
	need := requirement{path: s.Path, facts: p.facts}
	for _, n := range head.List("evidence") {
		if path := c.refer(n, "an item of \"evidence\""); path != "" {
			out.Evidence = append(out.Evidence, path)
			need.evidence = append(need.evidence, reference{n, path})
		}
	}
	out.Waive = c.waivers(head.Map("waive"))
	for _, w := range out.Waive {
		need.waived = append(need.waived, w.Step)
	}
	if n := head.Node(); n != nil && n.Kind == syntax.Map && !head.Has("evidence") && !head.Has("waive") {
		c.reader.Report(n, "missing-key", "\"requires\" needs the evidence that must be there: requires: {evidence: [a step's id]}")
	}
	head.Done()
	c.requirements = append(c.requirements, need)
	return out
}

func (c *compiler) waivers(m *syntax.Mapping) []plan.Waiver {
	if m.Node() == nil {
		return nil
	}
	var out []plan.Waiver
	for _, e := range m.Node().Entries {
		reason := strings.TrimSpace(m.Text(e.Key.Text))
		if e.Value.Kind == syntax.Text && reason == "" {
			c.reader.Report(e.Value, "waive", "a waiver needs its reason, for whoever asks later: %s: \"why it may be missing\"", e.Key.Text)
		}
		if path := c.refer(e.Key, "a waiver"); path != "" {
			out = append(out, plan.Waiver{Step: path, Reason: reason})
		}
	}
	return out
}

// refer finds the step that a reference names: its id, or the way to it such as live.processes.
func (c *compiler) refer(n *syntax.Node, what string) string {
	way := c.reader.Text(n, what)
	if n.Kind != syntax.Text {
		return ""
	}
	ids := strings.Split(way, ".")
	last := ids[len(ids)-1]
	path, known := c.paths[last]
	switch {
	case !known:
		c.reader.Report(n, "evidence", "there is no step %q%s", last, syntax.DidYouMean(last, sortedNames(c.paths)))
		return ""
	case !inOrder(ids, strings.Split(path, "/")):
		c.reader.Report(n, "evidence", "step %q is not there; its way is %s", last, strings.ReplaceAll(path, "/", "."))
		return ""
	}
	return path
}

// inOrder tells whether all words stand in the list, in that order.
func inOrder(words, list []string) bool {
	for _, word := range words {
		i := slices.Index(list, word)
		if i < 0 {
			return false
		}
		list = list[i+1:]
	}
	return true
}
