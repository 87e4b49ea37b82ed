package plan

import (
	"maps"
	"slices"
)

// Activities that the engine itself calls for a plan.
const (
	describeTargets = "kube.describe_targets"
	checkEvidence   = "evidence.check"
)

// Used names every activity that a run of the plan may call, sorted: those of its steps, of what stands in place of their
// undo, of the playbooks that it calls, and those that the engine calls for its guards and its evidence.
func (p Plan) Used() []string {
	names := map[string]bool{}
	p.use(names)
	for _, called := range p.Playbooks {
		called.use(names)
	}
	return slices.Sorted(maps.Keys(names))
}

func (p Plan) use(names map[string]bool) {
	drill := slices.ContainsFunc(p.Triggers, func(t Trigger) bool { return t.Mode == Drill })
	if p.Guards != nil || drill {
		names[describeTargets] = true
	}
	Walk(func(s Step) {
		if s.Requires != nil && len(s.Requires.Evidence) > 0 {
			names[checkEvidence] = true
		}
		if s.Uses == nil {
			return
		}
		names[s.Uses.Activity] = true
		if undo := s.Uses.Undo; undo != nil && undo.Activity != "" {
			names[undo.Activity] = true
		}
	}, p.Steps, p.Finally)
}
