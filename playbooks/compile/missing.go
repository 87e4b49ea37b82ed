package compile

import (
	"fmt"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// gap is why evidence may not be there, and the step that a waiver would name. The zero value: it is there.
type gap struct{ why, waive string }

// missing finds the gap in evidence that comes first: a step on the way to it, or one inside of it, may be passed over.
// There is none where the playbook waives it.
func (p proof) missing(way []*spot) gap {
	last := way[len(way)-1]
	if p.waives(last.step.Path) {
		return gap{}
	}
	looped := false // behind a foreach a condition speaks of another item
	for i, s := range way {
		if i > 0 && !s.certain && (looped || !p.need.facts.holdAll(s.condition)) {
			return gap{"it is in the \"" + s.block + "\" of step " + s.outer.step.ID, last.step.ID}
		}
		if why := p.passedOver(s.step, looped); s != last && why != "" {
			return gap{why, last.step.ID}
		}
		looped = looped || s.step.Foreach != nil && s != last
	}
	return p.within(last.step, looped)
}

// within is missing for a step whose block runs.
func (p proof) within(s plan.Step, looped bool) gap {
	if len(p.captures(s)) == 0 || p.waives(s.Path) {
		return gap{}
	}
	if why := p.passedOver(s, looped); why != "" {
		return gap{why, s.ID}
	}
	if s.Call != nil {
		if why := p.withinCall(s.Call.Playbook, p.called(s.Call)); why != "" {
			return gap{why, s.ID}
		}
	}
	looped = looped || s.Foreach != nil
	for _, one := range p.alternatives(s) {
		switch {
		case !looped && p.need.facts.contradict(one.condition): // it did not run on the way here
		case !p.captured(one.steps):
			return gap{"none is taken in the \"" + one.name + "\" of step " + s.ID, s.ID}
		default:
			if found := p.withinAll(one.steps, looped); found.why != "" {
				return found
			}
		}
	}
	if found := p.withinAll(s.Parallel, looped); found.why != "" || s.Foreach == nil {
		return found
	}
	return p.withinAll(s.Foreach.Do, looped)
}

// withinCall says why evidence of a called playbook may not be there; "" where every capture is on every way through it. Of
// the conditions there nothing is known here.
func (p proof) withinCall(name string, block []plan.Step) string {
	for _, s := range block {
		if !p.captured([]plan.Step{s}) {
			continue
		}
		if why := p.passedOver(s, true); why != "" {
			return why + " in playbook " + name
		}
		for _, one := range blocksOf(s) {
			if !p.captured(one.steps) && one.name != "parallel" && one.name != "do" {
				return fmt.Sprintf("none is taken in the %q of step %s in playbook %s", one.name, s.ID, name)
			}
			if why := p.withinCall(name, one.steps); why != "" {
				return why
			}
		}
		if s.Call != nil {
			if why := p.withinCall(s.Call.Playbook, p.called(s.Call)); why != "" {
				return why
			}
		}
	}
	return ""
}

// blocksOf gives the blocks of a step, also those of an if or a switch that are left out, but not those of its catch.
func blocksOf(s plan.Step) (out []alternative) {
	switch {
	case s.Branch != nil:
		return []alternative{{name: "then", steps: s.Branch.Then}, {name: "else", steps: s.Branch.Else}}
	case s.Switch != nil:
		for i, one := range s.Switch.Cases {
			out = append(out, alternative{name: fmt.Sprintf("case %d", i+1), steps: one.Do})
		}
		return append(out, alternative{name: "default", steps: s.Switch.Default})
	case s.Foreach != nil:
		return []alternative{{name: "do", steps: s.Foreach.Do}}
	}
	return []alternative{{name: "parallel", steps: s.Parallel}}
}

func (p proof) withinAll(block []plan.Step, looped bool) gap {
	for _, s := range block {
		if found := p.within(s, looped); found.why != "" {
			return found
		}
	}
	return gap{}
}

// passedOver says why the run may go on behind a step that did not succeed or did not run.
func (p proof) passedOver(s plan.Step, looped bool) string {
	switch {
	case s.If != nil && (looped || !p.need.facts.holdAll(p.facts[s.ID].own)):
		return "step " + s.ID + " has an \"if\""
	case len(s.Catch) > 0:
		return "a failure of step " + s.ID + " is caught"
	case s.OnError == plan.Continue:
		return "step " + s.ID + " has \"onError: continue\""
	case s.Foreach != nil && s.Foreach.OnError == plan.Continue:
		return "an item of step " + s.ID + " may fail (\"onError: continue\")"
	}
	return ""
}
