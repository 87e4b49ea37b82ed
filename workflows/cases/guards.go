package cases

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/firebreak-ir/firebreak/workflows"
)

// mostListed is how many cases the count of a rate is told of; it knows itself of those that it let through.
const mostListed = 1000

// RecentRuns counts the cases of a cluster that changed something lately, and lets the one that asks through where there is
// room. Temporal's lists follow its histories by some moments, so that two cases which begin together may not see one another
// there: whom a rate lets through is decided by one workflow for all.
func (c *Cases) RecentRuns(ctx context.Context, in workflows.RecentRunsIn) (workflows.RecentRunsOut, error) {
	query, err := changedSince(in)
	if err != nil {
		return workflows.RecentRunsOut{}, err
	}
	if in.Most == 0 {
		return c.countRuns(ctx, query)
	}
	list, err := c.search(ctx, query, min(in.Most, mostListed))
	if err != nil {
		return workflows.RecentRunsOut{}, explain("count runs", err)
	}
	if len(list) >= in.Most {
		return c.countRuns(ctx, query)
	}
	for _, one := range list {
		in.Listed = append(in.Listed, one.ID)
	}
	return c.admit(ctx, in)
}

// admit asks the count of the cluster's rates, which is started where it does not run.
func (c *Cases) admit(ctx context.Context, in workflows.RecentRunsIn) (out workflows.RecentRunsOut, err error) {
	id := workflows.RateID(in.Cluster, in.Drill)
	start := c.client.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.Queue, StaticSummary: "Rate of " + in.Cluster,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			temporal.NewSearchAttributeKeyKeyword(workflows.ClusterAttribute).ValueSet(in.Cluster)),
	}, workflows.RateWorkflow, workflows.RateInput{Cluster: in.Cluster})
	handle, err := c.client.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			WorkflowID: id, UpdateName: workflows.AdmitUpdate, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err == nil {
		err = handle.Get(ctx, &out)
	}
	return out, explain("count runs", err)
}

func (c *Cases) countRuns(ctx context.Context, query string) (workflows.RecentRunsOut, error) {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	answer, err := c.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	if err != nil {
		return workflows.RecentRunsOut{}, explain("count runs", err)
	}
	return workflows.RecentRunsOut{Runs: int(answer.GetCount())}, nil
}

// changedSince finds the other cases that changed something.
func changedSince(in workflows.RecentRunsIn) (string, error) {
	kind := fmt.Sprintf("(%[1]s IS NULL OR %[1]s = false)", workflows.DrillAttribute) // false: of an older schedule
	if in.Drill {
		kind = workflows.DrillAttribute + " = true"
	}
	query := fmt.Sprintf("WorkflowType = '%s' AND %s AND %s AND %s >= '%s'", workflows.CaseWorkflow, lastRuns,
		kind, workflows.ChangedAttribute, in.Since.UTC().Format(time.RFC3339Nano))
	for _, part := range []struct{ name, op, value string }{
		{workflows.ClusterAttribute, "=", in.Cluster}, {workflows.PlaybookAttribute, "=", in.Playbook}, {workflows.CaseAttribute, "!=", in.Case},
	} {
		if part.value == "" {
			continue
		}
		if !plainWord(part.value) {
			return "", fmt.Errorf("count runs: %w: %q", ErrNoName, part.value)
		}
		query += fmt.Sprintf(" AND %s %s '%s'", part.name, part.op, part.value)
	}
	return query, nil
}

// TakeLock takes a lock for a case, or says which case has it. A case that has it already is told so, however often it
// asks; one that has ended loses it to whoever asks next.
func (c *Cases) TakeLock(ctx context.Context, in workflows.LockInput) (workflows.LockOut, error) {
	for range 10 {
		err := c.holdLock(ctx, in)
		var taken *serviceerror.WorkflowExecutionAlreadyStarted
		if err == nil {
			return workflows.LockOut{Taken: true, Case: in.Holder.Case, Since: in.Since}, nil
		}
		if !errors.As(err, &taken) {
			return workflows.LockOut{}, explain("take lock "+in.Name, err)
		}
		out, free, err := c.lockHolder(ctx, in)
		if err != nil || !free {
			return out, err
		}
		if !pause(ctx) {
			break
		}
	}
	return workflows.LockOut{}, fmt.Errorf("take lock %q: it was neither held nor free", in.Name)
}

func (c *Cases) holdLock(ctx context.Context, in workflows.LockInput) error {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	_, err := c.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: in.Workflow, TaskQueue: workflows.Queue, StaticSummary: "Lock " + in.Name + " of " + in.Holder.Case,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			temporal.NewSearchAttributeKeyKeyword(workflows.CaseAttribute).ValueSet(in.Holder.Case),
			temporal.NewSearchAttributeKeyKeyword(workflows.ClusterAttribute).ValueSet(in.Cluster),
			temporal.NewSearchAttributeKeyKeyword(workflows.PlaybookAttribute).ValueSet(in.Playbook),
			temporal.NewSearchAttributeKeyTime(workflows.StartedAttribute).ValueSet(in.Since), // kept over the lock's own chain of runs
		),
	}, workflows.LockWorkflow, in)
	return err
}

// lockHolder says who has the lock. Free is one that was given back meanwhile, or that a case has which has ended.
func (c *Cases) lockHolder(ctx context.Context, in workflows.LockInput) (out workflows.LockOut, free bool, err error) {
	info, err := c.info(ctx, in.Workflow, "")
	if missing(err) {
		return out, true, nil
	}
	if err != nil {
		return out, false, err
	}
	holder := attributes{info}.text(workflows.CaseAttribute)
	out = workflows.LockOut{Taken: holder == in.Holder.Case, Case: holder, Since: attributes{info}.time(workflows.StartedAttribute)}
	if info.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return out, true, nil
	}
	if out.Taken {
		return out, false, nil
	}
	state, err := c.Standing(ctx, holder)
	if err != nil || state != CaseClosed {
		return out, false, err
	}
	release := c.client.SignalWorkflow(ctx, in.Workflow, info.GetExecution().GetRunId(), workflows.ReleaseSignal, holder)
	if err := explain("release lock "+in.Name, release); err != nil && !missing(err) {
		return out, false, err
	}
	return out, true, nil
}

// CaseOpen tells whether the holder of a lock still runs.
func (c *Cases) CaseOpen(ctx context.Context, in workflows.Holder) (workflows.CaseOpenOut, error) {
	info, err := c.info(ctx, in.Workflow, "")
	if missing(err) {
		return workflows.CaseOpenOut{}, nil
	}
	if err != nil {
		return workflows.CaseOpenOut{}, err
	}
	same := workflows.CaseID(in.Workflow, info.GetFirstRunId()) == in.Case
	return workflows.CaseOpenOut{Open: same && caseOf(info).Open()}, nil
}

// Where a case stands.
const (
	CaseIsOpen  = "open"
	CaseClosed  = "closed"
	CaseUnknown = "unknown" // Temporal has no case of that id, or no longer
)

// Standing tells whether a case is open. It asks for the run itself where the case's id tells which that is, since the lists
// lag behind a case that has just been started.
func (c *Cases) Standing(ctx context.Context, id string) (string, error) {
	if !plainWord(id) {
		return CaseUnknown, nil
	}
	if dot := strings.LastIndexByte(id, '.'); dot > 0 {
		info, err := c.info(ctx, id[:dot], "")
		if err != nil && !missing(err) {
			return "", err
		}
		if err == nil && workflows.CaseID(id[:dot], info.GetFirstRunId()) == id {
			return standing(caseOf(info)), nil
		}
	}
	found, err := c.last(ctx, id)
	switch {
	case missing(err):
		return CaseUnknown, nil
	case err != nil:
		return "", err
	}
	return standing(found), nil
}

func standing(of Case) string {
	if of.Open() {
		return CaseIsOpen
	}
	return CaseClosed
}

// OpenCases tells where each of the cases stands.
func (c *Cases) OpenCases(ctx context.Context, in workflows.OpenCasesIn) (workflows.OpenCasesOut, error) {
	out := workflows.OpenCasesOut{Standing: make([]string, len(in.Cases))}
	for i, id := range in.Cases {
		state, err := c.Standing(ctx, id)
		if err != nil {
			return workflows.OpenCasesOut{}, err
		}
		out.Standing[i] = state
	}
	return out, nil
}
