package workflows

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// trip is one rule that stands against a change.
type trip struct {
	rule, why string
	by        *ruleset // whose rule it is; nil: the drill's fence, which nobody can open
}

// limits are the rules on how many objects a run may change. Only what the step adds can be too much.
func (in *inspection) limits() []trip {
	pods, nodes := in.count()
	in.numbers(pods, nodes)
	var trips []trip
	for _, r := range in.rules {
		most := r.most(in.nodes)
		if r.Pods > 0 && pods > r.Pods && pods > in.c.Guarding.Pods {
			trips = append(trips, trip{"maxTargets.pods", fmt.Sprintf("%d pods are more than the %d that one run may change", pods, r.Pods), &r})
		}
		if most.limit > 0 && nodes > most.limit && nodes > in.c.Guarding.Nodes {
			trips = append(trips, trip{most.rule, fmt.Sprintf("%d nodes are more than the %d that one run may change%s", nodes, most.limit, most.because), &r})
		}
	}
	return trips
}

// numbers notes what the step adds to, and the smallest limits.
func (in *inspection) numbers(pods, nodes int) {
	mostPods, mostNodes := 0, 0
	for _, r := range in.rules {
		mostPods, mostNodes = smaller(mostPods, r.Pods), smaller(mostNodes, r.most(in.nodes).limit)
	}
	in.check.Pods, in.check.Nodes = "", ""
	if pods > in.c.Guarding.Pods {
		in.check.Pods = number(pods, mostPods)
	}
	if nodes > in.c.Guarding.Nodes {
		in.check.Nodes = number(nodes, mostNodes)
	}
}

// smaller is the smaller one of two limits, of which zero is none.
func smaller(a, b int) int {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// count is what the run would have changed with the step's targets.
func (in *inspection) count() (pods, nodes int) {
	pods, nodes = in.c.Guarding.Pods, in.c.Guarding.Nodes
	for _, t := range in.targets {
		if t.Kind == podKind {
			pods++
		} else {
			nodes++
		}
	}
	return pods, nodes
}

// nodeLimit is the smaller one of two limits on nodes; zero: none.
type nodeLimit struct {
	limit         int
	rule, because string
}

// most is the most nodes that a run may change in a cluster of that many. Where that is not known, the share is not known
// either and no limit: the cluster is asked wherever a node is changed.
func (r ruleset) most(all int) nodeLimit {
	n := nodeLimit{limit: r.Nodes, rule: "maxTargets.nodes"}
	if r.NodePercent == 0 || all == 0 {
		return n
	}
	if share := max(all*r.NodePercent/100, 1); n.limit == 0 || share < n.limit {
		return nodeLimit{share, "maxTargets.nodePercent", fmt.Sprintf(", which is %d%% of the cluster's %d", r.NodePercent, all)}
	}
	return n
}

func number(n, limit int) string {
	if limit == 0 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d of %d", n, limit)
}

// judge gives every rule that stands against the step's targets.
func (in *inspection) judge(ctx workflow.Context) ([]trip, error) {
	trips := in.fence()
	trips = append(trips, in.limits()...)
	for _, r := range in.rules {
		for _, t := range in.targets {
			found, err := in.protected(ctx, &r, t)
			if err != nil {
				return nil, err
			}
			trips = append(trips, found...)
		}
	}
	if len(in.rules) == 0 { // a drill of a playbook that says nothing about the control plane
		trips = append(trips, in.controlPlane()...)
	}
	return trips, nil
}

// protected gives the rules that keep one target from being changed by any run.
func (in *inspection) protected(ctx workflow.Context, r *ruleset, t Target) ([]trip, error) {
	var trips []trip
	if slices.Contains(r.Protect.Namespaces, t.Namespace) {
		trips = append(trips, trip{"protect.namespaces", t.String() + " is in a protected namespace", r})
	}
	if !r.Protect.OpenControlPlane && in.known[t.key()].ControlPlane {
		trips = append(trips, trip{"protect.controlPlane", t.String() + " belongs to the control plane", r})
	}
	if r.Protect.When == nil {
		return trips, nil
	}
	scope := in.c.scope(ctx, r.frame())
	scope.Vars[plan.TargetVar] = map[string]any{
		"kind": t.Kind, "namespace": t.Namespace, "name": t.Name, "labels": labelsOf(in.known[t.key()]),
	}
	yes, err := r.unit.eval.Bool(*r.Protect.When, scope)
	if err != nil {
		return nil, expressionFailure(in.path, err)
	}
	if yes {
		trips = append(trips, trip{"protect.when", t.String() + " is protected: " + r.Protect.When.Source, r})
	}
	return trips, nil
}

// controlPlane protects the control plane where no playbook says anything about it.
func (in *inspection) controlPlane() []trip {
	var trips []trip
	for _, t := range in.targets {
		if in.known[t.key()].ControlPlane {
			trips = append(trips, trip{"protect.controlPlane", t.String() + " belongs to the control plane", nil})
		}
	}
	return trips
}

// labelsOf are the labels as an expression sees them: none is an empty map.
func labelsOf(d description) map[string]any {
	if d.Labels == nil {
		return map[string]any{}
	}
	return d.Labels
}

func are(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names, ", ") + " are"
}

// rulesOf gives the names and the sentences of trips, each once.
func rulesOf(trips []trip) (names []string, why string) {
	var sentences []string
	for _, t := range trips {
		if !slices.Contains(names, t.rule) {
			names = append(names, t.rule)
		}
		if !slices.Contains(sentences, t.why) {
			sentences = append(sentences, t.why)
		}
	}
	return names, strings.Join(sentences, "; ")
}

// tripped is the failure of a step that the guards stopped.
func (in *inspection) tripped(trips []trip, more string) error {
	names, why := rulesOf(trips)
	advice := "nothing was changed; see whether the target is right, then skip the step with a reason or abort; a retry checks again"
	if slices.Contains(names, lockRule) {
		advice = "nothing was changed; retry when the other case has ended, or skip the step with a reason, or abort"
	}
	return &failure{in.path, string(activities.GuardTripped), "guard " + strings.Join(names, ", ") + ": " + why + more, advice}
}
