package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Priorities are Falco's priorities, the gravest first.
func Priorities() []string {
	return []string{"Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"}
}

// PriorityRank gives a priority's place in Priorities, whatever its case; false for an unknown word.
func PriorityRank(name string) (int, bool) {
	rank := slices.IndexFunc(Priorities(), func(p string) bool { return strings.EqualFold(p, name) })
	return rank, rank >= 0
}

// Matches tells whether an alert starts the playbook through this trigger. The error says why nobody can tell.
func (e *Evaluator) Matches(t Trigger, a Alert) (bool, error) {
	if t.Falco == nil || a.Source != "falco" {
		return false, nil
	}
	if len(t.Falco.Rules) > 0 && !slices.Contains(t.Falco.Rules, a.Rule) {
		return false, nil
	}
	if grave, err := graveEnough(t.Falco.MinPriority, a.Priority); !grave || err != nil {
		return false, err
	}
	if t.Falco.When == nil {
		return true, nil
	}
	alone, err := e.For(Plan{})
	if err != nil {
		return false, err
	}
	return alone.Bool(*t.Falco.When, Scope{Alert: a})
}

func graveEnough(least, priority string) (bool, error) {
	if least == "" {
		return true, nil
	}
	limit, known := PriorityRank(least)
	if !known {
		return false, fmt.Errorf("unknown priority %q in the trigger", least)
	}
	rank, known := PriorityRank(priority)
	if !known {
		return false, fmt.Errorf("unknown priority %q in the alert", priority)
	}
	return rank <= limit, nil
}

// Key evaluates the key under which alerts are one case. It is never empty.
func (e *Evaluator) Key(d Dedup, a Alert) (string, error) {
	alone, err := e.For(Plan{})
	if err != nil {
		return "", err
	}
	v, err := alone.plain(d.Key, Scope{Alert: a})
	if err != nil {
		return "", err
	}
	key, ok := v.(string)
	if !ok || key == "" {
		return "", &Error{d.Key, errors.New("the key must be text and not be empty")}
	}
	return key, nil
}
