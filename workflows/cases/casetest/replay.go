package casetest

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/workflows"
)

// History reads a recorded history. One whose name ends with .gz is compressed.
func History(file string) (*historypb.History, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	from := io.Reader(f)
	if strings.HasSuffix(file, ".gz") {
		if from, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("history %q: %w", file, err)
		}
	}
	history, err := client.HistoryFromJSON(from, client.HistoryJSONOptions{})
	if err != nil {
		return nil, fmt.Errorf("history %q: %w", file, err)
	}
	if len(history.GetEvents()) == 0 {
		return nil, errors.New("the history is empty")
	}
	return history, nil
}

// Replay runs a recorded history through today's interpreter, as the workflow that it was: a signed decision names its case,
// whose id is made from the workflow's.
func Replay(file string) error {
	history, err := History(file)
	if err != nil {
		return err
	}
	start := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	replayer := worker.NewWorkflowReplayer()
	register(replayer)
	return replayer.ReplayWorkflowHistoryWithOptions(nil, history, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: start.GetWorkflowId(), RunID: start.GetOriginalExecutionRunId()},
	})
}

// register knows every workflow that a worker knows.
func register(replayer worker.WorkflowReplayer) {
	i := workflows.New()
	replayer.RegisterWorkflowWithOptions(i.Case, workflow.RegisterOptions{Name: workflows.CaseWorkflow})
	replayer.RegisterWorkflowWithOptions(i.Undo, workflow.RegisterOptions{Name: workflows.UndoWorkflow})
	replayer.RegisterWorkflowWithOptions(i.Lock, workflow.RegisterOptions{Name: workflows.LockWorkflow})
	replayer.RegisterWorkflowWithOptions(i.Rate, workflow.RegisterOptions{Name: workflows.RateWorkflow})
	replayer.RegisterWorkflowWithOptions(i.Sweep, workflow.RegisterOptions{Name: workflows.SweepWorkflow})
}
