package workflows

import (
	"slices"

	"go.temporal.io/sdk/temporal"
)

// What stands in a list is bounded: Temporal refuses one of more than 2 KiB, and the run could not go on.
const (
	mostNodes     = 20
	mostNodeBytes = 1500
)

func nodes(names []string) temporal.SearchAttributeUpdate {
	return temporal.NewSearchAttributeKeyKeywordList(NodesAttribute).ValueSet(slices.Clone(names))
}

// touch notes the nodes among targets for the lists. It tells whether there is a new one.
func (c *incident) touch(targets []Target) (fresh bool) {
	for _, t := range targets {
		if t.Kind == nodeKind {
			fresh = c.node(t.Name) || fresh
		}
	}
	return fresh
}

// node notes one node, once, for as long as there is room. A name that no node can have is an attacker's.
func (c *incident) node(name string) bool {
	if name == "" || !nodeName(name) || slices.Contains(c.Nodes, name) {
		return false
	}
	size := len(name)
	for _, known := range c.Nodes {
		size += len(known)
	}
	if len(c.Nodes) == mostNodes || size > mostNodeBytes {
		return false
	}
	c.Nodes = append(c.Nodes, name)
	return true
}

// nodeName tells a name that Kubernetes takes for a node.
func nodeName(name string) bool {
	if len(name) > 253 {
		return false
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' {
			return false
		}
	}
	return true
}
