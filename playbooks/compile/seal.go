package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Sizes of a plan as JSON. It travels in the history of every run.
const (
	WarnBytes = 100 << 10
	MaxBytes  = 256 << 10
)

// SizeWarning gives a sentence when a plan is large, though not too large.
func SizeWarning(p plan.Plan) (string, bool) {
	raw, err := json.Marshal(p)
	if err != nil || len(raw) <= WarnBytes {
		return "", false
	}
	return fmt.Sprintf("the plan of %q has %d KB; above %d KB it is refused", p.Name, len(raw)>>10, MaxBytes>>10), true
}

// seal writes the types and the hashes into the finished plan.
func (c *compiler) seal(root *syntax.Node) (syntax.Problem, bool) {
	for name, t := range c.out {
		if c.plan.Types == nil {
			c.plan.Types = map[string]string{}
		}
		c.plan.Types[name] = plan.Notation(t)
	}
	if err := c.declarations(); err != nil {
		return root.Problem("internal", "%v", err), true
	}
	c.plan.Catalog = c.catalogHash()
	raw, err := json.Marshal(c.plan)
	if err != nil {
		return root.Problem("internal", "the plan cannot be written as JSON: %v", err), true
	}
	if len(raw) > MaxBytes {
		return root.Problem("size", "the plan has %d KB; the limit is %d KB: split the playbook", len(raw)>>10, MaxBytes>>10), true
	}
	c.plan.Hash = digest(raw)
	return syntax.Problem{}, false
}

func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// declarations notes what the plan takes for granted of each activity in use.
func (c *compiler) declarations() error {
	for _, name := range slices.Sorted(maps.Keys(c.out)) {
		d, _ := c.catalog.Find(name)
		essence, err := c.options.Types.essence(d)
		if err != nil {
			return err
		}
		if c.plan.Declared == nil {
			c.plan.Declared = map[string]string{}
		}
		c.plan.Declared[name] = essence
	}
	return nil
}

// catalogHash covers what the plan takes for granted of each activity in use.
func (c *compiler) catalogHash() string {
	type declaration struct {
		Name, In, Out string
		Effect        activities.Effect
		Place         activities.Place
		Undoable      bool
	}
	var used []declaration
	for _, name := range slices.Sorted(maps.Keys(c.out)) {
		d, _ := c.catalog.Find(name)
		used = append(used, declaration{name, plan.Notation(c.in[name]), c.plan.Types[name], d.Effect, d.Place, d.Undo != nil})
	}
	raw, err := json.Marshal(used)
	if err != nil {
		return ""
	}
	return digest(raw)
}
