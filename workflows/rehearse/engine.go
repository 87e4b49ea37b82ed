package rehearse

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"

	"github.com/firebreak-ir/firebreak/workflows"
)

// manyNodes is the size of the cluster of a test that mocks none.
const manyNodes = 100

// engine answers what the interpreter itself asks Temporal: nobody else is there, and every lock is free.
func (s *stage) engine() {
	s.answers(workflows.RecentRuns, workflows.RecentRunsOut{})
	s.answers(workflows.CaseOpen, workflows.CaseOpenOut{Open: true})
	s.answers(workflows.TakeLock, workflows.LockOut{Taken: true})
	s.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(nil).Maybe()
}

func (s *stage) answers(name string, out any) {
	s.OnActivity(name, mock.Anything, mock.Anything).After(time.Millisecond).
		Return(func(context.Context, workflows.ActivityInput) (json.RawMessage, error) { return json.Marshal(out) })
}

// named registers the engine's activities, which must come before any mock.
func (s *stage) named() {
	for _, name := range []string{workflows.RecentRuns, workflows.CaseOpen, workflows.TakeLock} {
		s.RegisterActivityWithOptions(unanswered, activity.RegisterOptions{Name: name})
	}
}

// described says of each target that it is there. In a drill it is one of the drill's.
func (s *stage) described(input json.RawMessage) (json.RawMessage, error) {
	var question struct {
		Targets []map[string]any `json:"targets"`
	}
	if err := json.Unmarshal(input, &question); err != nil {
		return nil, err
	}
	list := make([]map[string]any, 0, len(question.Targets))
	for _, t := range question.Targets {
		labels := map[string]any{}
		if s.test.Mode == "drill" {
			labels["firebreak/drill"] = "true"
		}
		list = append(list, map[string]any{
			"kind": t["kind"], "namespace": t["namespace"], "name": t["name"], "uid": t["uid"], "labels": labels, "exists": true,
		})
	}
	return json.Marshal(map[string]any{
		"status": "done", "summary": "looked", "targets": list, "nodes": manyNodes,
	})
}
