package triggers

import (
	"fmt"
	"slices"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Router knows the playbooks that alerts can start.
type Router struct {
	plans []plan.Plan
	eval  Evaluator
}

// NewRouter keeps the order of the plans: it is the order in which an alert starts them. Two plans of one name are
// refused, since their cases could not be told apart; so are plans without any trigger, since no alert would start one.
func NewRouter(plans []plan.Plan, eval Evaluator) (*Router, error) {
	if !slices.ContainsFunc(plans, func(p plan.Plan) bool { return len(p.Triggers) > 0 }) {
		return nil, fmt.Errorf("none of the %d loaded playbooks has a trigger: no alert could start one; name one with triggers in \"playbooks\"", len(plans))
	}
	seen := map[string]string{}
	for _, p := range plans {
		if other, twice := seen[p.Name]; twice {
			return nil, fmt.Errorf("playbook %q is in %q and in %q: give one of them another metadata.name", p.Name, other, p.Source)
		}
		seen[p.Name] = p.Source
	}
	return &Router{plans: plans, eval: eval}, nil
}

// Playbooks are the names of the playbooks, in the order in which an alert starts them.
func (r *Router) Playbooks() []string {
	var names []string
	for _, p := range r.plans {
		names = append(names, p.Name)
	}
	return names
}

// Match gives what the alert starts: each playbook at most once, by the first of its triggers that matches. A playbook
// none of whose triggers matches, and one of them because its condition failed, is in the failures. A playbook whose
// dedup key failed is in both: the alert's fingerprint stands for the key, since an alert that nobody sends again must
// not be lost for it.
func (r *Router) Match(a plan.Alert) ([]Start, []Failure) {
	var starts []Start
	var failures []Failure
	for _, p := range r.plans {
		t, found, failed := r.first(p, a)
		failures = append(failures, failed...)
		if !found {
			continue
		}
		made, err := r.eval.Made(t, a)
		if err != nil {
			failures = append(failures, Failure{Playbook: p.Name, Trigger: t.ID, Err: err})
			continue
		}
		key, err := r.eval.KeyOf(p.Dedup, made)
		if err != nil {
			failures = append(failures, Failure{Playbook: p.Name, Err: err})
		}
		if p.Dedup.OnDuplicate == plan.New { // a case for each alert; one that is delivered twice is still one
			key += "\n" + plan.Fingerprint(made)
		}
		starts = append(starts, Start{Workflow: plan.WorkflowID(p.Name, key), Plan: p, Trigger: t.ID, Alert: made})
	}
	return starts, failures
}

func (r *Router) first(p plan.Plan, a plan.Alert) (plan.Trigger, bool, []Failure) {
	var failures []Failure
	for _, t := range p.Triggers {
		ok, err := r.eval.Matches(t, a)
		if err != nil {
			failures = append(failures, Failure{Playbook: p.Name, Trigger: t.ID, Err: err})
		}
		if ok && err == nil {
			return t, true, nil
		}
	}
	return plan.Trigger{}, false, failures
}
