package casetest

import (
	"errors"
	"fmt"
	"os"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/workflows"
)

// Replay runs a recorded history through today's interpreter, as the workflow that it was: a signed decision names its case,
// whose id is made from the workflow's.
func Replay(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	history, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	if err != nil {
		return fmt.Errorf("history %q: %w", file, err)
	}
	if len(history.GetEvents()) == 0 {
		return errors.New("the history is empty")
	}
	start := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	replayer, i := worker.NewWorkflowReplayer(), workflows.New()
	replayer.RegisterWorkflowWithOptions(i.Case, workflow.RegisterOptions{Name: workflows.CaseWorkflow})
	replayer.RegisterWorkflowWithOptions(i.Undo, workflow.RegisterOptions{Name: workflows.UndoWorkflow})
	return replayer.ReplayWorkflowHistoryWithOptions(nil, history, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: start.GetWorkflowId(), RunID: start.GetOriginalExecutionRunId()},
	})
}
