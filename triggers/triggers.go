// Package triggers decides which playbooks an alert starts, and under which workflow ids, so that one incident is one
// case however often its alert comes. It starts nothing itself and knows no source of alerts.
package triggers

import (
	"context"
	"fmt"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Evaluator evaluates what a playbook says about alerts; plan.Evaluator is one.
type Evaluator interface {
	// Matches tells whether the alert fires the trigger. An error means that the trigger's condition cannot be
	// evaluated on this alert.
	Matches(plan.Trigger, plan.Alert) (bool, error)
	// Made gives the alert as the trigger makes it of what came in, such as of an event by a mapping.
	Made(plan.Trigger, plan.Alert) (plan.Alert, error)
	// KeyOf gives the alert's dedup key: alerts with one key are one case. There always is one; an error says why it is
	// not the playbook's own.
	KeyOf(plan.Dedup, plan.Alert) (string, error)
}

// Start is one case to be opened, or to be joined where one of that workflow id is running.
type Start struct {
	Workflow string // workflow id, made of the playbook's name and the dedup key
	Plan     plan.Plan
	Trigger  string // id of the trigger that matched
	Alert    plan.Alert
}

// Failure is an expression of a playbook that could not be evaluated on the alert.
type Failure struct {
	Playbook string // its name
	Trigger  string // id of the trigger whose condition it is; empty for the dedup key
	Err      error
}

// Error names the playbook, the expression and the cause.
func (f Failure) Error() string {
	return fmt.Sprintf("playbook %q, %s: %v", f.Playbook, f.Expression(), f.Err)
}

// Unwrap gives the cause.
func (f Failure) Unwrap() error { return f.Err }

// Expression says which of the playbook's expressions it is.
func (f Failure) Expression() string {
	if f.Trigger == "" {
		return "dedup key"
	}
	return fmt.Sprintf("trigger %q", f.Trigger)
}

// Case is a case that counts the alert.
type Case struct {
	Case     string `json:"case"`
	Workflow string `json:"workflow"`
	Run      string `json:"run"`
	Playbook string `json:"playbook"`
	Joined   bool   `json:"joined"`            // the case was running already
	Dropped  bool   `json:"dropped,omitempty"` // and the alert was not counted there, as the playbook says
	Reopens  string `json:"reopens,omitempty"` // the case of the same key that ended shortly before
}

// Starter opens cases durably.
type Starter interface {
	// Start returns only when the alert cannot be lost any more: the run stands in the engine's store and counts it.
	// Starting the same alert twice joins the case that the first start opened. Any error means that the case may not
	// exist, and that the same Start may be given again.
	Start(context.Context, Start) (Case, error)
}
