// Package alertmanager reads the groups of alerts that Alertmanager's webhook sends (version 4 of its payload). Labels may
// carry an attacker's words: they are checked for type and size, copied, and never interpreted.
package alertmanager

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Limits on one group. Alertmanager sends a storm as one.
const (
	MaxBytes  = 8 << 20
	maxAlerts = 10_000
	maxLabels = 200
	maxText   = 4000
)

// Source is the source of the alerts.
const Source = "alertmanager"

// Unnamed is the rule of an alert without the label alertname, which Alertmanager takes too.
const Unnamed = "unnamed"

// Group is what one request holds.
type Group struct {
	Firing    []plan.Alert // their Cluster is left empty
	Resolved  int          // alerts that are over; they start nothing
	Truncated int          // alerts that the sender left out, as its max_alerts says
	Wrong     []error      // alerts that cannot be read, each a *MalformedError: the others are not lost for them
}

// MalformedError says what is wrong with a group, and where in its JSON.
type MalformedError struct {
	Place string // such as alerts[2].labels; empty for the whole document
	Err   error
}

// Error gives the place and the reason.
func (e *MalformedError) Error() string {
	if e.Place == "" {
		return "alerts: " + e.Err.Error()
	}
	return "alerts: " + e.Place + ": " + e.Err.Error()
}

// Unwrap gives the reason.
func (e *MalformedError) Unwrap() error { return e.Err }

// ErrTooLarge is the reason of a MalformedError for a group above MaxBytes.
var ErrTooLarge = fmt.Errorf("larger than %d bytes", MaxBytes)

// payload is the part of the webhook's body that is read.
type payload struct {
	Version   string `json:"version"`
	Truncated int    `json:"truncatedAlerts"`
	Alerts    []item `json:"alerts"`
}

type item struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	Fingerprint string            `json:"fingerprint"`
}

// Decode reads one group. What it refuses is a *MalformedError; any other error is the reader's own.
func Decode(from io.Reader) (Group, error) {
	raw, err := io.ReadAll(io.LimitReader(from, MaxBytes+1))
	if err != nil {
		return Group{}, fmt.Errorf("read alerts: %w", err)
	}
	if len(raw) > MaxBytes {
		return Group{}, &MalformedError{Err: ErrTooLarge}
	}
	var p payload
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(&p); err != nil {
		return Group{}, &MalformedError{Place: placeOf(err), Err: reason(err)}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Group{}, &MalformedError{Err: fmt.Errorf("something follows the object at byte %d", d.InputOffset())}
	}
	return p.group()
}

func (p payload) group() (Group, error) {
	switch {
	case p.Version != "4":
		return Group{}, &MalformedError{Place: "version", Err: fmt.Errorf("want \"4\", got %.20q", p.Version)}
	case len(p.Alerts) == 0:
		return Group{}, &MalformedError{Place: "alerts", Err: errors.New("is empty")}
	case len(p.Alerts) > maxAlerts:
		return Group{}, &MalformedError{Place: "alerts", Err: fmt.Errorf("holds %d alerts, at most %d are taken", len(p.Alerts), maxAlerts)}
	}
	g := Group{Truncated: max(0, p.Truncated)}
	for i, one := range p.Alerts {
		g.add(fmt.Sprintf("alerts[%d]", i), one)
	}
	return g, nil
}

func (g *Group) add(place string, one item) {
	if one.Status == "resolved" {
		g.Resolved++
		return
	}
	alert, err := one.alert(place)
	if err != nil {
		g.Wrong = append(g.Wrong, err)
		return
	}
	g.Firing = append(g.Firing, alert)
}

func (i item) alert(place string) (plan.Alert, error) {
	rule := i.Labels["alertname"]
	if i.Status != "firing" {
		return plan.Alert{}, &MalformedError{Place: place + ".status", Err: fmt.Errorf("want firing or resolved, got %.20q", i.Status)}
	}
	if rule == "" {
		rule = Unnamed
	}
	labels, err := texts(place+".labels", i.Labels)
	if err != nil {
		return plan.Alert{}, err
	}
	annotations, err := texts(place+".annotations", i.Annotations)
	if err != nil {
		return plan.Alert{}, err
	}
	return plan.Alert{
		ID: i.Fingerprint, Source: Source, Rule: rule, Priority: priority(i.Labels["severity"]), Time: i.StartsAt.UTC(),
		Summary: first(i.Annotations, "summary", "description", "message"),
		Target: plan.Target{
			Namespace: i.Labels["namespace"], Pod: first(i.Labels, "pod", "pod_name"), Container: first(i.Labels, "container", "container_name"),
			Node: first(i.Labels, "node", "nodename", "kubernetes_node"), Image: i.Labels["image"],
			Owner: first(i.Labels, "deployment", "statefulset", "daemonset", "job_name"),
		},
		Fields: map[string]any{plan.LabelsField: labels, "annotations": annotations},
	}, nil
}

// texts copies labels, bounded.
func texts(place string, from map[string]string) (map[string]any, error) {
	if len(from) > maxLabels {
		return nil, &MalformedError{Place: place, Err: fmt.Errorf("holds %d entries, at most %d are taken", len(from), maxLabels)}
	}
	out := make(map[string]any, len(from))
	for name, value := range from {
		if len(name)+len(value) > maxText {
			return nil, &MalformedError{Place: fmt.Sprintf("%s[%.80q]", place, name), Err: fmt.Errorf("longer than %d bytes", maxText)}
		}
		out[name] = value
	}
	return out, nil
}

func first(from map[string]string, names ...string) string {
	for _, name := range names {
		if value := from[name]; value != "" {
			return value
		}
	}
	return ""
}

// priority puts the words that people use as severity into Falco's order. A word that is none of them is a Notice.
func priority(severity string) string {
	switch strings.ToLower(severity) {
	case "emergency", "page":
		return "Emergency"
	case "alert":
		return "Alert"
	case "critical", "crit", "high", "p1":
		return "Critical"
	case "error", "major", "p2":
		return "Error"
	case "warning", "warn", "medium", "minor", "p3":
		return "Warning"
	case "info", "informational", "low", "p4":
		return "Informational"
	case "debug", "none":
		return "Debug"
	}
	return "Notice"
}

func placeOf(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return kind.Field
	}
	return ""
}

func reason(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the body is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON ends in the middle")
	case errors.As(err, &kind):
		return fmt.Errorf("want %s, got %s", kind.Type, kind.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON at byte %d: %w", syntax.Offset, err)
	}
	return err
}
