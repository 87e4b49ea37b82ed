package compile

import (
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// proof is the question whether one piece of evidence has been taken on every way to the step that requires it.
type proof struct {
	*compiler

	spots map[string]*spot
	need  requirement
	ref   reference
}

func (p proof) report(format string, args ...any) {
	p.reader.Report(p.ref.node, "evidence", format, args...)
}

func (p proof) prove() {
	from, known := p.spots[p.ref.path]
	to, there := p.spots[p.need.path]
	if !known || !there || p.unknown(from.step) {
		return // reported where it could not be read
	}
	if len(p.captures(from.step)) == 0 {
		p.report("step %q takes no evidence; evidence is taken by a capture (firebreak activities tells them), or by a block with captures", from.step.ID)
		return
	}
	way, goal := from.chain(), to.chain()
	fork := 0
	for fork < len(way) && fork < len(goal) && way[fork].step.Path == goal[fork].step.Path {
		fork++
	}
	if !p.inOrder(way, goal, fork) {
		return
	}
	if found := p.missing(way[fork:]); found.why != "" {
		p.report("the evidence of step %q may be missing: %s; take it on every way, or say why it may be missing: waive: {%s: \"…\"}",
			p.ref.node.Text, found.why, found.waive)
	}
}

// unknown tells whether a step's effect is not known, because its activity is not: that was reported already.
func (p proof) unknown(s plan.Step) bool {
	found := false
	plan.Walk(func(inner plan.Step) { found = found || inner.Uses != nil && inner.Uses.Effect == "" }, []plan.Step{s})
	return found
}

func (p proof) waives(path string) bool {
	return slices.ContainsFunc(p.need.waived, func(waived string) bool { return path == waived || strings.HasPrefix(path, waived+"/") })
}

// inOrder tells whether the evidence comes before the step that requires it. The ways to both part at the fork.
func (p proof) inOrder(way, goal []*spot, fork int) bool {
	evidence, step := p.ref.node.Text, goal[len(goal)-1].step.ID
	switch {
	case fork == len(way):
		p.report("step %q is inside its own evidence %q; require what is taken before it", step, evidence)
	case fork == len(goal):
		p.report("step %q is inside of the step that requires it, so it comes too late; take it before %q, or put \"requires\" on the step inside that destroys",
			evidence, step)
	case way[fork].block != goal[fork].block:
		return p.acrossBlocks(way[fork], goal[fork], step)
	case !way[fork].sequence:
		p.report("step %q runs at the same time as %q (line %d), so it may not be there yet; take it before step %q",
			evidence, goal[fork].step.ID, goal[fork].step.Pos.Line, way[fork].outer.step.ID)
	case way[fork].at > goal[fork].at:
		p.report("step %q (line %d) comes after step %q; move it before", evidence, way[fork].step.Pos.Line, step)
	default:
		return true
	}
	return false
}

// acrossBlocks is inOrder where the two stand in different blocks of one step, or in steps and finally.
func (p proof) acrossBlocks(from, to *spot, step string) bool {
	evidence := p.ref.node.Text
	switch {
	case from.block == finallyBlock:
		p.report("step %q is in \"finally\", which runs after all steps; take it before step %q", evidence, step)
	case to.block == finallyBlock:
		p.report("\"finally\" also runs when the run ended before step %q, so it may be missing; move step %q to the steps, behind it", evidence, step)
	case strings.HasPrefix(from.block, catchBlock):
		p.report("step %q is in a \"catch\", which runs only where step %q failed; take it before step %q", evidence, from.outer.step.ID, step)
	case strings.HasPrefix(to.block, catchBlock):
		p.report("step %q may be what failed before this \"catch\", so it may be missing; take it before step %q", evidence, from.outer.step.ID)
	case !p.waives(p.ref.path):
		p.report("step %q is in the %q of step %q and %q is in another branch (%q), so it is never there; take it before step %q, or in the same branch",
			evidence, from.block, from.outer.step.ID, step, to.block, from.outer.step.ID)
	}
	return false
}
