package cases

import (
	"context"
	"fmt"
	"sync"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"github.com/firebreak-ir/firebreak/workflows"
)

// A long case is a chain of runs: when the history of one grows long, it is followed by the next. Who asked for the case
// before that knows a run that is over.

// lastRuns leaves out the runs of a chain that another one has followed.
const lastRuns = "ExecutionStatus != 'ContinuedAsNew'"

// current gives the case with the run of its chain that is going on, or the last one.
func (c *Cases) current(ctx context.Context, of Case) (Case, *workflowpb.WorkflowExecutionInfo, error) {
	info, err := c.info(ctx, of.Workflow, of.Run)
	if err != nil || !followed(info) {
		return of, info, err
	}
	id := caseOf(info).ID
	if info, err = c.info(ctx, of.Workflow, ""); err != nil {
		return of, nil, err
	}
	if caseOf(info).ID != id { // a later case of the same key runs under this workflow id
		last, err := c.last(ctx, id)
		if err != nil {
			return of, nil, err
		}
		if info, err = c.info(ctx, last.Workflow, last.Run); err != nil {
			return of, nil, err
		}
	}
	of.Run = info.GetExecution().GetRunId()
	return of, info, nil
}

// toCurrent tells the case's current run something, and the next one where that run was left at the same moment.
func (c *Cases) toCurrent(ctx context.Context, of Case, tell func(now Case) error) error {
	var last string
	for {
		now, _, err := c.current(ctx, of)
		if err != nil {
			return err
		}
		if err = tell(now); !missing(err) || now.Run == last {
			return err
		}
		last = now.Run
		if !pause(ctx) {
			return err
		}
	}
}

func followed(info *workflowpb.WorkflowExecutionInfo) bool {
	return info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW
}

func (c *Cases) info(ctx context.Context, workflowID, runID string) (*workflowpb.WorkflowExecutionInfo, error) {
	answer, err := c.describe(ctx, workflowID, runID)
	return answer.GetWorkflowExecutionInfo(), err
}

// last finds the last run of a case in the lists.
func (c *Cases) last(ctx context.Context, id string) (Case, error) {
	if !plainWord(id) {
		return Case{}, fmt.Errorf("find case %q: %w: not an id", id, ErrNotFound)
	}
	query := fmt.Sprintf("WorkflowType = '%s' AND %s = '%s' AND %s", workflows.CaseWorkflow, workflows.CaseAttribute, id, lastRuns)
	list, err := c.search(ctx, query, 1)
	if err != nil {
		return Case{}, err
	}
	return only(id, list)
}

// Previous gives the run of the chain before this one; empty for the first.
func (c *Cases) Previous(ctx context.Context, workflowID, runID string) (string, error) {
	events := c.client.GetWorkflowHistory(ctx, workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	if !events.HasNext() {
		return "", nil
	}
	first, err := events.Next()
	if err != nil {
		return "", explain("read the history of "+workflowID, err)
	}
	return first.GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId(), nil
}

// ids remembers which case a run belongs to, so that a storm of alerts that join one asks once.
type ids struct {
	mu    sync.Mutex
	known map[string]string
}

const maxIDs = 1000

// joined gives the id of the case that an alert has joined: that of the first run of the chain.
func (c *Cases) joined(ctx context.Context, workflowID, runID string) (string, error) {
	c.ids.mu.Lock()
	defer c.ids.mu.Unlock() // held while asking: the others of the storm want the same answer
	if id, known := c.ids.known[runID]; known {
		return id, nil
	}
	info, err := c.info(ctx, workflowID, runID)
	if err != nil {
		return "", err
	}
	if c.ids.known == nil || len(c.ids.known) >= maxIDs {
		c.ids.known = map[string]string{}
	}
	id := workflows.CaseID(workflowID, info.GetFirstRunId())
	c.ids.known[runID] = id
	return id, nil
}
