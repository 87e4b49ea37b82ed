package triggers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Router knows the playbooks that alerts can start.
type Router struct {
	plans []plan.Plan
	eval  Evaluator
}

// NewRouter keeps the order of the plans: it is the order in which an alert starts them. Two plans of one name are
// refused, since their cases could not be told apart.
func NewRouter(plans []plan.Plan, eval Evaluator) (*Router, error) {
	seen := map[string]string{}
	for _, p := range plans {
		if other, twice := seen[p.Name]; twice {
			return nil, fmt.Errorf("playbook %q is in %q and in %q: give one of them another metadata.name", p.Name, other, p.Source)
		}
		seen[p.Name] = p.Source
	}
	return &Router{plans: plans, eval: eval}, nil
}

// Match gives what the alert starts: each playbook at most once, by the first of its triggers that matches. A playbook
// whose expressions fail on this alert is in the error and does not keep the others from starting.
func (r *Router) Match(a plan.Alert) ([]Start, error) {
	var starts []Start
	var errs []error
	for _, p := range r.plans {
		t, found, err := r.first(p, a)
		if err != nil {
			errs = append(errs, err)
		}
		if !found {
			continue
		}
		id, err := r.workflow(p, a)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		starts = append(starts, Start{Workflow: id, Plan: p, Trigger: t.ID, Alert: a})
	}
	return starts, errors.Join(errs...)
}

func (r *Router) first(p plan.Plan, a plan.Alert) (plan.Trigger, bool, error) {
	var errs []error
	for _, t := range p.Triggers {
		ok, err := r.eval.Matches(t, a)
		if err != nil {
			errs = append(errs, fmt.Errorf("playbook %q, trigger %q: %w", p.Name, t.ID, err))
		}
		if ok && err == nil {
			return t, true, nil
		}
	}
	return plan.Trigger{}, false, errors.Join(errs...)
}

func (r *Router) workflow(p plan.Plan, a plan.Alert) (string, error) {
	if p.Dedup.Key.Source == "" {
		return WorkflowID(p.Name, Fingerprint(a)), nil
	}
	key, err := r.eval.Key(p.Dedup, a)
	if err != nil {
		return "", fmt.Errorf("playbook %q, dedup key: %w", p.Name, err)
	}
	return WorkflowID(p.Name, key), nil
}

// WorkflowID is the id of the run for the alerts of one dedup key. The key is hashed: part of it is an attacker's text.
func WorkflowID(playbook, key string) string {
	sum := sha256.Sum256([]byte(key))
	return playbook + "-" + hex.EncodeToString(sum[:4])
}

// Fingerprint is the dedup key of an alert whose playbook declares none: what was seen, where and when. The delivery's
// own id is not in it, since senders make a new one for every delivery.
func Fingerprint(a plan.Alert) string {
	a.ID, a.Summary, a.Tags = "", "", nil
	raw, err := json.Marshal(a) // map keys are sorted
	if err != nil {             // a decoded alert holds nothing that JSON refuses
		raw = fmt.Appendf(nil, "%s %s %s", a.Rule, a.Time, a.Target.Node)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
