package compile

import (
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// evidence proves that whatever a step requires has been taken on every way to that step, and that every step that
// destroys requires something.
func (c *compiler) evidence() {
	if len(c.requirements) == 0 && len(c.destroying) == 0 {
		return
	}
	spots := c.spots()
	for _, need := range c.requirements {
		for _, ref := range need.evidence {
			p := proof{compiler: c, spots: spots, need: need, ref: ref}
			p.prove()
		}
	}
	for _, d := range c.destroying {
		c.destroys(d, spots)
		c.hits(d, spots)
	}
}

// destroys reports a destroying step for which no evidence and no waiver stands on it or around it.
func (c *compiler) destroys(d destruction, spots map[string]*spot) {
	at, known := spots[d.path]
	if !known || slices.ContainsFunc(at.chain(), func(s *spot) bool {
		r := s.step.Requires
		return r != nil && len(r.Evidence)+len(r.Waive) > 0
	}) {
		return
	}
	hint := "take evidence first, and name it here"
	if ids := c.capturedBefore(at); len(ids) > 0 {
		hint = "name it here or on a step around: requires: {evidence: [" + strings.Join(ids, ", ") + "]}"
	}
	c.reader.Report(d.node, "evidence", "%s destroys what no undo brings back, but nothing says which evidence must be there before; %s", d.activity, hint)
}

// capturedBefore gives the ids of the captures at the top before a step.
func (c *compiler) capturedBefore(at *spot) []string {
	top := at.chain()[0]
	if top.block != mainBlock {
		return nil
	}
	var out []string
	for _, s := range c.plan.Steps[:top.at] {
		if len(c.captures(s)) > 0 {
			out = append(out, s.ID)
		}
	}
	return out
}

// captures gives the paths of the steps at or below one that take evidence; those of a catch are none, since they run
// only where something failed.
func (c *compiler) captures(s plan.Step) []string {
	s.Catch = nil
	var out []string
	plan.Walk(func(inner plan.Step) {
		if inner.Uses != nil && inner.Uses.Effect == activities.Capture || inner.Call != nil && c.callCaptures(inner.Call) {
			out = append(out, inner.Path)
		}
	}, []plan.Step{s})
	return slices.DeleteFunc(out, func(path string) bool {
		return strings.Contains(strings.TrimPrefix(path, s.Path), "/"+catchBlock+"/")
	})
}

// callCaptures tells whether a called playbook takes evidence.
func (c *compiler) callCaptures(call *plan.Call) bool { return c.captured(c.called(call)) }

// called gives the steps of a called playbook.
func (c *compiler) called(call *plan.Call) []plan.Step {
	for _, p := range c.plan.Playbooks {
		if p.Hash == call.Hash {
			return p.Steps
		}
	}
	return nil
}

func (c *compiler) captured(block []plan.Step) bool {
	return slices.ContainsFunc(block, func(s plan.Step) bool { return len(c.captures(s)) > 0 })
}
