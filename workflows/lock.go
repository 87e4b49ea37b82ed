package workflows

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Names of locks in Temporal.
const (
	LockWorkflow  = "FirebreakLock" // runs for as long as the lock is held: its workflow id is the lock
	ReleaseSignal = "release"       // the case that gives the lock back
)

// lockWatch is how often a lock looks whether its case still runs: one that was terminated gives nothing back.
const lockWatch = 5 * time.Minute

// LockInput is who holds a lock. It is also what TakeLock is asked with.
type LockInput struct {
	Workflow string    `json:"workflow"` // id of the lock's workflow
	Name     string    `json:"name"`     // as the playbook says it
	Cluster  string    `json:"cluster"`
	Playbook string    `json:"playbook"`
	Holder   Holder    `json:"holder"`
	Since    time.Time `json:"since"`
}

// Holder is a case and the workflow that runs it.
type Holder struct {
	Case     string `json:"case"`
	Workflow string `json:"workflow"`
}

// LockOut says who holds the lock now.
type LockOut struct {
	Taken bool      `json:"taken"` // by the case that asks, now or before
	Case  string    `json:"case"`
	Since time.Time `json:"since,omitzero"`
}

// LockResult says why a lock was given back.
type LockResult struct {
	Why string `json:"why"`
}

// CaseOpenOut says whether a case still runs.
type CaseOpenOut struct {
	Open bool `json:"open"`
}

// LockID is the workflow id of a lock: one of its name on its cluster. Drills have locks of their own: none of them may
// keep a real case from a node.
func LockID(cluster, name string, drill bool) string {
	if drill {
		return plan.WorkflowID("firebreak-lock-drill-"+cluster, name)
	}
	return plan.WorkflowID("firebreak-lock-"+cluster, name)
}

// lock takes the playbook's lock for the case. A dry run changes nothing and takes none.
func (in *inspection) lock(ctx workflow.Context, r ruleset) ([]trip, error) {
	if r.Lock == nil {
		return nil, nil
	}
	if trips, err := in.nameless(ctx, r); len(trips) > 0 || err != nil {
		return trips, err
	}
	name, err := in.c.text(ctx, *r.Lock, r.frame(), in.path)
	if err != nil || in.c.in.DryRun {
		return nil, err
	}
	in.check.Lock = Plain(name, maxLabel)
	want := LockInput{
		Workflow: LockID(in.c.in.Cluster, name, in.c.in.Mode == plan.Drill), Name: in.check.Lock, Cluster: in.c.in.Cluster,
		Playbook: in.c.in.Plan.Name, Holder: Holder{in.c.State.Case, in.c.State.Workflow}, Since: workflow.Now(ctx),
	}
	if slices.Contains(in.c.Guarding.Locks, want.Workflow) { // another playbook of the case, or another call, has it
		return nil, nil
	}
	raw, err := in.ask(ctx, TakeLock, "takes the lock "+in.check.Lock, engine(), want)
	if err != nil {
		return nil, err
	}
	var got LockOut
	if err := json.Unmarshal(raw, &got); err != nil {
		return nil, &failure{in.path, KindTemporary, fmt.Sprintf("read who holds the lock: %v", err), adviceFor(KindTemporary)}
	}
	if !got.Taken {
		return []trip{{lockRule, fmt.Sprintf("%s is held by case %s since %s", in.check.Lock, got.Case, got.Since.UTC().Format(time.DateTime+" UTC")), &r}}, nil
	}
	in.c.Guarding.Locks = append(in.c.Guarding.Locks, want.Workflow)
	return nil, nil
}

// nameless stands against a change where a value that the lock is named by is empty. Whether another case is on the same node
// is not known then, and a lock of all cases without a node would keep each of them from every other.
func (in *inspection) nameless(ctx workflow.Context, r ruleset) ([]trip, error) {
	parts := r.Lock.Text
	if r.Lock.Expr != nil {
		parts = []plan.Part{{Expr: r.Lock.Expr}}
	}
	for _, p := range parts {
		if p.Expr == nil {
			continue
		}
		text, err := in.c.text(ctx, plan.Value{Expr: p.Expr}, r.frame(), in.path)
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(text) == "" {
			return []trip{{lockNameRule, p.Expr.Source + " is empty here, so that the lock has no name, and whether another case holds it is not known", &r}}, nil
		}
	}
	return nil, nil
}

// unlock gives the case's locks back. A lock that does not hear of it finds out by itself that the case has ended.
func (c *incident) unlock(ctx workflow.Context) {
	for _, id := range c.Guarding.Locks {
		err := workflow.SignalExternalWorkflow(ctx, id, "", ReleaseSignal, c.State.Case).Get(ctx, nil)
		if err != nil {
			workflow.GetLogger(ctx).Warn("give a lock back", "lock", id, "error", err)
		}
	}
	c.Guarding.Locks = nil
}

// Lock holds one lock until its case gives it back or has ended. It is registered as LockWorkflow.
func (i *Interpreter) Lock(ctx workflow.Context, in LockInput) (LockResult, error) {
	released := workflow.GetSignalChannel(ctx, ReleaseSignal)
	for {
		var by string
		got, _ := released.ReceiveWithTimeout(ctx, lockWatch, &by)
		switch {
		case ctx.Err() != nil:
			return LockResult{}, ctx.Err()
		case got && by == in.Holder.Case:
			return LockResult{"its case gave it back"}, nil
		case !got && abandoned(ctx, in.Holder):
			return LockResult{"its case has ended without giving it back"}, nil
		case workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			return LockResult{}, workflow.NewContinueAsNewError(ctx, LockWorkflow, in)
		}
	}
}

// abandoned tells whether the holder has ended. Where Temporal does not say, the lock stays.
func abandoned(ctx workflow.Context, holder Holder) bool {
	options := activityOptions("", engine(), "look", "looks whether case "+holder.Case+" still runs")
	options.TaskQueue = Queue
	var out CaseOpenOut
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), CaseOpen, ActivityInput{Input: encode(holder)}).Get(ctx, &out)
	return err == nil && !out.Open
}
