package workflows

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestTheListsHoldAsManyNodesAsTemporalTakes(t *testing.T) {
	c := &incident{}
	var targets []Target
	for i := range 30 {
		targets = append(targets, Target{Kind: podKind, Name: "p"}, Target{Kind: nodeKind, Name: fmt.Sprint("n", i)})
	}
	if !c.touch(targets) || c.touch(targets) || len(c.Nodes) != mostNodes || c.Nodes[19] != "n19" {
		t.Fatalf("%q", c.Nodes)
	}
	c.Nodes = nil
	for i := range 20 {
		c.node(fmt.Sprint("n", i, strings.Repeat("a", 240)))
	}
	if n := len(strings.Join(c.Nodes, "")); n > mostNodeBytes || n < mostNodeBytes/2 {
		t.Errorf("%d bytes", n)
	}
	c.Nodes = nil
	for _, name := range []string{"", "n1", "n1", "' OR 1=1", "N1", strings.Repeat("n", 254), "ip-10-0-1-23.ec2.internal"} {
		c.node(name)
	}
	if want := []string{"n1", "ip-10-0-1-23.ec2.internal"}; !slices.Equal(c.Nodes, want) {
		t.Errorf("%q", c.Nodes)
	}
}
