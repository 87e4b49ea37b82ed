package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Names of the rate's count in Temporal.
const (
	RateWorkflow   = "FirebreakRate" // one for each cluster: counts the cases that the rates of guards let through
	AdmitUpdate    = "admit"         // RecentRunsIn -> RecentRunsOut
	WithdrawSignal = "withdraw"      // id of a case that was let through and has changed nothing
)

// mostAdmitted bounds what a count remembers: the lists know of older cases.
const mostAdmitted = 10_000

// rateRest is how long a count that knows of no case waits for one.
const rateRest = time.Minute

// RateInput is what a run of the count begins with.
type RateInput struct {
	Cluster  string        `json:"cluster"`
	Admitted []Admitted    `json:"admitted,omitempty"` // by time
	Keep     time.Duration `json:"keep,omitempty"`     // the longest time that a rate has asked for
}

// Admitted is one case that was let through, and the playbook whose rate it was.
type Admitted struct {
	Case     string    `json:"case"`
	Playbook string    `json:"playbook"`
	At       time.Time `json:"at"`
}

// RateID is the workflow id of a cluster's count. Drills are counted among themselves.
func RateID(cluster string, drill bool) string {
	if drill {
		return plan.WorkflowID("firebreak-rate-drill", cluster)
	}
	return plan.WorkflowID("firebreak-rate", cluster)
}

// Rate lets cases through one after the other, so that a rate holds also for cases that begin in the same moment. It ends
// when it remembers nothing that any rate still asks for. It is registered as RateWorkflow.
func (i *Interpreter) Rate(ctx workflow.Context, in RateInput) error {
	if err := workflow.SetUpdateHandler(ctx, AdmitUpdate, in.admit); err != nil {
		return flat(KindTemporary, err.Error())
	}
	withdrawn := workflow.GetSignalChannel(ctx, WithdrawSignal)
	for {
		_, err := workflow.AwaitWithTimeout(ctx, in.rest(workflow.Now(ctx)), func() bool {
			in.withdraw(withdrawn)
			return lengthy(workflow.GetInfo(ctx)) && workflow.AllHandlersFinished(ctx)
		})
		if err != nil {
			return err
		}
		in.forget(workflow.Now(ctx))
		switch {
		case lengthy(workflow.GetInfo(ctx)):
			return workflow.NewContinueAsNewError(ctx, RateWorkflow, in)
		case len(in.Admitted) == 0:
			return nil
		}
	}
}

// admit counts the other cases, those of the lists and those that were let through, and lets the case through where there is
// room.
func (r *RateInput) admit(ctx workflow.Context, ask RecentRunsIn) (RecentRunsOut, error) {
	now := workflow.Now(ctx)
	others := slices.Clone(ask.Listed)
	known := false
	for _, a := range r.Admitted {
		switch {
		case a.Case == ask.Case:
			known = known || a.Playbook == ask.Of
		case a.At.Before(ask.Since), ask.Playbook != "" && a.Playbook != ask.Playbook, slices.Contains(others, a.Case):
		default:
			others = append(others, a.Case)
		}
	}
	r.Keep = max(r.Keep, now.Sub(ask.Since))
	out := RecentRunsOut{Runs: len(others), Admitted: known || len(others) < ask.Most}
	if out.Admitted && !known {
		r.Admitted = append(r.Admitted, Admitted{Case: ask.Case, Playbook: ask.Of, At: now})
		r.Admitted = r.Admitted[max(len(r.Admitted)-mostAdmitted, 0):]
	}
	return out, nil
}

func (r *RateInput) withdraw(from workflow.ReceiveChannel) {
	var id string
	for from.ReceiveAsync(&id) {
		r.Admitted = slices.DeleteFunc(r.Admitted, func(a Admitted) bool { return a.Case == id })
	}
}

// rest is the time until the last case is of no interest to any rate.
func (r *RateInput) rest(now time.Time) time.Duration {
	if len(r.Admitted) == 0 {
		return rateRest
	}
	return max(r.Admitted[len(r.Admitted)-1].At.Add(r.Keep).Sub(now), rateRest)
}

func (r *RateInput) forget(now time.Time) {
	r.Admitted = slices.DeleteFunc(r.Admitted, func(a Admitted) bool { return now.Sub(a.At) > r.Keep })
}

// withdraw takes the case out of the count where it was let through and has changed nothing.
func (c *incident) withdraw(ctx workflow.Context) {
	if !c.Guarding.Admitted || c.Guarding.Changed || !c.in.Dates {
		return
	}
	id := RateID(c.in.Cluster, c.in.Mode == plan.Drill)
	if err := workflow.SignalExternalWorkflow(ctx, id, "", WithdrawSignal, c.State.Case).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Warn("take the case out of the count of the rate", "error", err)
	}
}
