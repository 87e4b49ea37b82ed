package plan

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
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
	switch {
	case t.Falco != nil && a.Source == "falco":
		return e.matchesFalco(t.Falco, a)
	case t.Alertmanager != nil && a.Source == "alertmanager":
		if fits, err := labelsFit(t.Alertmanager.Matchers, a); !fits || err != nil {
			return false, err
		}
		return e.holds(t.Alertmanager.When, a)
	case t.CloudEvents != nil && a.Source == "cloudevents":
		return e.matchesEvent(t.CloudEvents, a)
	}
	return false, nil
}

func (e *Evaluator) matchesFalco(t *FalcoTrigger, a Alert) (bool, error) {
	if len(t.Rules) > 0 && !slices.Contains(t.Rules, a.Rule) {
		return false, nil
	}
	if grave, err := graveEnough(t.MinPriority, a.Priority); !grave || err != nil {
		return false, err
	}
	return e.holds(t.When, a)
}

// Fields of an alert in which the sources keep what triggers look at.
const (
	LabelsField    = "labels" // of an alert of Alertmanager: a map of texts
	EventTypeField = "type"   // of a CloudEvent
	EventSource    = "source"
)

func (e *Evaluator) matchesEvent(t *CloudEventsTrigger, a Alert) (bool, error) {
	kind, _ := a.Fields[EventTypeField].(string)
	source, _ := a.Fields[EventSource].(string)
	if len(t.Types) > 0 && !slices.Contains(t.Types, kind) || t.Source != "" && t.Source != source {
		return false, nil
	}
	made, err := e.mapped(t, a)
	if err != nil {
		return false, err
	}
	return e.holds(t.When, made)
}

// Made gives the alert as the trigger makes it: a CloudEvent becomes one by the trigger's mapping.
func (e *Evaluator) Made(t Trigger, a Alert) (Alert, error) {
	if t.CloudEvents == nil {
		return a, nil
	}
	return e.mapped(t.CloudEvents, a)
}

func (e *Evaluator) mapped(t *CloudEventsTrigger, a Alert) (Alert, error) {
	alone, err := e.For(Plan{})
	if err != nil {
		return a, err
	}
	scope := Scope{Vars: map[string]any{EventVar: a.Fields}}
	for _, entry := range t.Map {
		value, err := alone.Value(entry.Value, scope)
		if err != nil {
			return a, fmt.Errorf("map %s: %w", entry.Key, err)
		}
		text, ok := value.(string)
		if !ok {
			return a, fmt.Errorf("map %s: the event gives %s, and text is needed", entry.Key, form(value))
		}
		if err := a.set(entry.Key, text); err != nil {
			return a, fmt.Errorf("map %s: %w", entry.Key, err)
		}
	}
	return a, nil
}

// set fills a field of an alert by its name in a mapping.
func (a *Alert) set(name, text string) error {
	fields := map[string]*string{
		"rule": &a.Rule, "summary": &a.Summary, "target.namespace": &a.Target.Namespace, "target.pod": &a.Target.Pod,
		"target.owner": &a.Target.Owner, "target.container": &a.Target.Container, "target.containerID": &a.Target.ContainerID,
		"target.image": &a.Target.Image, "target.node": &a.Target.Node, "target.processName": &a.Target.ProcessName,
		"target.processParent": &a.Target.ProcessParent,
	}
	switch field, known := fields[name]; {
	case known:
		*field = text
	case name == "priority":
		rank, known := PriorityRank(text)
		if !known {
			return fmt.Errorf("%.40q is no priority; there is %s", text, strings.Join(Priorities(), ", "))
		}
		a.Priority = Priorities()[rank]
	case name == "time":
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return fmt.Errorf("%.40q is no time of RFC 3339", text)
		}
		a.Time = at.UTC()
	default:
		return errors.New("an alert has no such field")
	}
	return nil
}

// holds evaluates a condition on the alert; one that is not there holds.
func (e *Evaluator) holds(when *Expr, a Alert) (bool, error) {
	if when == nil {
		return true, nil
	}
	alone, err := e.For(Plan{})
	if err != nil {
		return false, err
	}
	return alone.Bool(*when, Scope{Alert: a})
}

// labelsFit compares the labels as Alertmanager's routes do: one that is absent is empty, expressions are anchored.
func labelsFit(matchers []Matcher, a Alert) (bool, error) {
	labels, _ := a.Fields[LabelsField].(map[string]any)
	for _, m := range matchers {
		value, _ := labels[m.Label].(string)
		fits := value == m.Value
		if strings.HasSuffix(m.Op, "~") {
			pattern, err := regexp.Compile("^(?:" + m.Value + ")$")
			if err != nil {
				return false, fmt.Errorf("matcher of label %q: %w", m.Label, err)
			}
			fits = pattern.MatchString(value)
		}
		if fits == strings.HasPrefix(m.Op, "!") {
			return false, nil
		}
	}
	return true, nil
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
