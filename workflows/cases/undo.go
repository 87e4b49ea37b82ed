package cases

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/firebreak-ir/firebreak/workflows"
)

// UndoRequest asks for the changes of a case to be taken back.
type UndoRequest struct {
	By        string
	Reason    string
	AbortHeld bool // a held case is aborted first, with what is held in its `finally`; any other open case is refused
	// Sign proves who aborts, each time anew; nil: they are taken at their word, which a case that knows its people refuses.
	Sign func(workflows.Decision) (workflows.Decision, error)
}

// Undo takes back what the case changed and waits until that is through. An undo that is running already is joined.
// show is called with what is done so far.
func (c *Cases) Undo(ctx context.Context, of Case, req UndoRequest, show func(workflows.UndoResult)) (workflows.UndoResult, error) {
	drill, err := c.closed(ctx, of, req)
	if err != nil {
		return workflows.UndoResult{}, err
	}
	in := workflows.UndoInput{Case: of.ID, Cluster: of.Cluster, Drill: drill, By: req.By, Reason: req.Reason}
	if in.Changes, in.Earlier, err = c.lastChanges(ctx, of); err != nil {
		return workflows.UndoResult{}, err
	}
	if n := len(in.Earlier); n > 0 {
		in.First, in.Workflow, in.Run = in.Earlier[n-1].Until, of.Workflow, of.Run
	}
	run, err := c.startUndo(ctx, of, in)
	if err != nil {
		return workflows.UndoResult{}, err
	}
	return c.follow(ctx, run, show)
}

// UndoID is the workflow id of a case's undo: there is one at a time.
func UndoID(caseID string) string { return caseID + "-undo" }

func (c *Cases) startUndo(ctx context.Context, of Case, in workflows.UndoInput) (client.WorkflowRun, error) {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	run, err := c.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: UndoID(of.ID), TaskQueue: workflows.Queue, StaticSummary: "Undo of " + of.ID,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, workflows.UndoWorkflow, in)
	return run, explain("undo case "+of.ID, err)
}

// closed sees to it that nothing changes the cluster any more while the undo changes it back. It tells whether the case is a
// drill.
func (c *Cases) closed(ctx context.Context, of Case, req UndoRequest) (drill bool, err error) {
	_, info, err := c.current(ctx, of)
	if err != nil {
		return false, err
	}
	now := caseOf(info)
	switch {
	case !now.Open():
		return now.Drill, nil
	case now.Status == workflows.Held && req.AbortHeld:
		return now.Drill, c.abort(ctx, of, req)
	case now.Status == workflows.Held:
		return false, fmt.Errorf("undo case %s: %w: it is held and open; decide its held step, or ask to abort it first", of.ID, ErrRefused)
	}
	return false, fmt.Errorf("undo case %s: %w: it is still running; wait for its end, or cancel it first", of.ID, ErrRefused)
}

// abort decides the held step, and each one of `finally` that is held after it, until the case has ended. A decision that
// is refused ends it with an error that names the step; so does a worker that is gone, since nothing would be undone.
func (c *Cases) abort(ctx context.Context, of Case, req UndoRequest) error {
	d := workflows.Decision{Action: workflows.AbortCase, By: req.By, Reason: req.Reason}
	if d.Reason == "" {
		d.Reason = "aborted to be undone"
	}
	_, err := c.Watch(ctx, of, 300*time.Millisecond, func(v View) error {
		switch {
		case v.Problem != "":
			return fmt.Errorf("undo case %s: it is aborted and has not ended yet: %s", of.ID, v.Problem)
		case len(v.Holds) == 0:
			return nil
		}
		its, err := req.signed(d, v.Holds[0].Path)
		if err != nil {
			return err
		}
		return c.Decide(ctx, of, its)
	})
	return err
}

func (r UndoRequest) signed(d workflows.Decision, path string) (workflows.Decision, error) {
	d.Path = path
	if r.Sign == nil {
		return d, nil
	}
	return r.Sign(d)
}

// follow waits for an undo and tells how far it is.
func (c *Cases) follow(ctx context.Context, run client.WorkflowRun, show func(workflows.UndoResult)) (workflows.UndoResult, error) {
	var result workflows.UndoResult
	end := make(chan error, 1)
	go func() { end <- run.Get(ctx, &result) }()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-end:
			if err == nil {
				show(result)
			}
			return result, explain("wait for undo "+run.GetID(), err)
		case <-tick.C:
			of := Case{ID: run.GetID(), Workflow: run.GetID(), Run: run.GetRunID()}
			if so, err := ask[workflows.UndoResult](ctx, c, of, workflows.StateQuery); err == nil {
				show(so)
			}
		}
	}
}
