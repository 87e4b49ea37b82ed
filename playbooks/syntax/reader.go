package syntax

import "slices"

// Reader reads typed values out of a tree and collects what is wrong with them, so that one pass finds everything.
type Reader struct{ problems []Problem }

// Report adds a problem at the node's place.
func (r *Reader) Report(n *Node, rule, format string, args ...any) {
	r.Add(n.Problem(rule, format, args...))
}

// Add adds problems that were found elsewhere.
func (r *Reader) Add(problems ...Problem) { r.problems = append(r.problems, problems...) }

// Problems gives all problems so far, sorted by place.
func (r *Reader) Problems() []Problem { return Sort(r.problems) }

// Map reads a map; what names it for the reader of a message, such as "a step". A node that is none gives a Mapping
// without entries, after a problem.
func (r *Reader) Map(n *Node, what string) *Mapping {
	m := &Mapping{reader: r, node: n, what: what}
	if n == nil || n.Kind == Map || n.Kind == Broken {
		return m
	}
	r.wrong(n, what, Map)
	m.node = &Node{Position: n.Position, Kind: Broken}
	return m
}

func (r *Reader) wrong(n *Node, what string, want Kind) {
	if n.Kind == Null {
		r.Report(n, "type", "%s is empty; it must be %s", what, want)
		return
	}
	r.Report(n, "type", "%s must be %s, not %s", what, want, n.Kind)
}

// Mapping reads the keys of one map. The keys that were asked for are the known ones: Done reports all others.
type Mapping struct {
	reader *Reader
	node   *Node
	what   string
	asked  []string
}

// Node gives the map itself; nil when it is absent.
func (m *Mapping) Node() *Node { return m.node }

// Reader gives the reader that collects the problems.
func (m *Mapping) Reader() *Reader { return m.reader }

// Has tells whether the key is there, and makes it a known one.
func (m *Mapping) Has(key string) bool { return m.Optional(key) != nil }

// Optional gives the value under a key, or nil.
func (m *Mapping) Optional(key string) *Node {
	if !slices.Contains(m.asked, key) {
		m.asked = append(m.asked, key)
	}
	return m.node.Get(key)
}

// Required gives the value under a key; a missing one is a problem, and nil.
func (m *Mapping) Required(key string) *Node {
	n := m.Optional(key)
	if n == nil && m.node != nil && m.node.Kind == Map {
		m.reader.Report(m.node, "missing-key", "%s needs %q", m.what, key)
	}
	return n
}

// Known makes keys known without reading them.
func (m *Mapping) Known(keys ...string) { m.asked = append(m.asked, keys...) }

// Done reports every key that nobody asked for.
func (m *Mapping) Done() {
	if m.node == nil {
		return
	}
	for _, e := range m.node.Entries {
		if !slices.Contains(m.asked, e.Key.Text) {
			m.reader.Report(e.Key, "unknown-key", "%s has no key %q%s", m.what, e.Key.Text, DidYouMean(e.Key.Text, m.asked))
		}
	}
}
