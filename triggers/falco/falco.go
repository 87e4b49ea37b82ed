// Package falco reads Falco alerts as falcosidekick's webhook sends them. Every text in them may have been chosen by
// an attacker: it is checked for its type and its size, copied, and never interpreted.
package falco

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Limits on what one alert may hold. Falco's own alerts are a few kilobytes.
const (
	MaxBytes  = 256 << 10
	maxFields = 1000
	maxTags   = 200
	maxName   = 1000 // rule, host and other names
)

// source is the source of the alerts.
const source = "falco"

// TestRule is the rule of the event that falcosidekick's /test endpoint sends to prove a connection.
const TestRule = "Test rule"

// MalformedError says what is wrong with an alert, and where in its JSON.
type MalformedError struct {
	Place string // such as output_fields["k8s.ns.name"]; empty for the whole document
	Err   error
}

// Error gives the place and the reason.
func (e *MalformedError) Error() string {
	if e.Place == "" {
		return "alert: " + e.Err.Error()
	}
	return "alert: " + e.Place + ": " + e.Err.Error()
}

// Unwrap gives the reason.
func (e *MalformedError) Unwrap() error { return e.Err }

// ErrTooLarge is the reason of a MalformedError for an alert above MaxBytes.
var ErrTooLarge = fmt.Errorf("larger than %d bytes", MaxBytes)

// IsTest tells whether the alert only tests the connection: it never starts a playbook. One about a pod or a container
// is real, whatever its rule's name.
func IsTest(a plan.Alert) bool {
	return a.Source == source && a.Rule == TestRule && a.Target.Pod == "" && a.Target.ContainerID == ""
}

// Decode reads one alert; its Cluster is left empty. What it refuses is a *MalformedError; any other error is the
// reader's own.
func Decode(from io.Reader) (plan.Alert, error) {
	raw, err := io.ReadAll(io.LimitReader(from, MaxBytes+1))
	if err != nil {
		return plan.Alert{}, fmt.Errorf("read alert: %w", err)
	}
	if len(raw) > MaxBytes {
		return plan.Alert{}, &MalformedError{Err: ErrTooLarge}
	}
	doc, err := object(raw)
	if err != nil {
		return plan.Alert{}, &MalformedError{Err: err}
	}
	return translate(doc)
}

// object reads exactly one JSON object. Numbers keep all their digits: evt.time is above 2^53. Of a key that is there
// twice the last value counts, as in most readers; bytes that are not UTF-8 become U+FFFD.
func object(raw []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		return nil, explain(err)
	}
	if doc == nil {
		return nil, errors.New("want an object, got null")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows the object at byte %d", d.InputOffset())
	}
	return doc, nil
}

func explain(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the body is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON ends in the middle")
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON at byte %d: %w", syntax.Offset, err)
	case errors.As(err, &kind):
		return fmt.Errorf("want an object, got %s", kind.Value)
	}
	return err
}
