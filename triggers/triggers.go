// Package triggers decides which playbooks an alert starts, and under which workflow ids, so that one incident is one
// case however often its alert comes. It starts nothing itself and knows no source of alerts.
package triggers

import (
	"context"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Evaluator evaluates what a playbook says about alerts; plan.Evaluator is one.
type Evaluator interface {
	// Matches tells whether the alert fires the trigger. An error means that the trigger's condition cannot be
	// evaluated on this alert.
	Matches(plan.Trigger, plan.Alert) (bool, error)
	// Key gives the alert's dedup key: alerts with one key are one case.
	Key(plan.Dedup, plan.Alert) (string, error)
}

// Start is one case to be opened, or to be joined where one of that workflow id is running.
type Start struct {
	Workflow string // workflow id, made of the playbook's name and the dedup key
	Plan     plan.Plan
	Trigger  string // id of the trigger that matched
	Alert    plan.Alert
}

// Case is a case that counts the alert.
type Case struct {
	Case     string `json:"case"`
	Workflow string `json:"workflow"`
	Run      string `json:"run"`
	Playbook string `json:"playbook"`
	Joined   bool   `json:"joined"` // the case was running already
}

// Starter opens cases durably.
type Starter interface {
	// Start returns only when the alert cannot be lost any more: the run stands in the engine's store and counts it.
	// Starting the same alert twice joins the case that the first start opened. Any error means that the case may not
	// exist, and that the same Start may be given again.
	Start(context.Context, Start) (Case, error)
}
