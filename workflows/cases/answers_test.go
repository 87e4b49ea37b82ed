package cases_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	activitypb "go.temporal.io/api/activity/v1"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
	"github.com/firebreak-ir/firebreak/workflows/cases/casetest"
)

// dial connects to a Temporal that answers as the test says.
func dial(t *testing.T, s *casetest.Server) (*cases.Cases, cases.Case) {
	t.Helper()
	s.Workflow = "test-1"
	c, err := cases.Dial(cases.Options{Address: s.Start(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, cases.Case{ID: workflows.CaseID("test-1", casetest.Run), Workflow: "test-1", Run: casetest.Run, Cluster: "lab"}
}

func TestWhatIsSignalledIsBounded(t *testing.T) {
	var server casetest.Server
	c, _ := dial(t, &server)
	in := input("lab")
	for _, text := range []string{"a", strings.Repeat("a", 250<<10)} {
		in.Alert.Fields["proc.cmdline"] = text
		if _, err := c.Start(t.Context(), "test-1", in); err != nil {
			t.Fatal(err)
		}
	}
	if got := server.Signalled(); got[0] > 1000 || got[1] > workflows.MaxAlert || len(in.Alert.Fields["proc.cmdline"].(string)) != 250<<10 {
		t.Fatalf("signalled %d bytes", got)
	}
}

func TestAReferenceToSeveralCasesIsAmbiguous(t *testing.T) {
	c, _ := dial(t, &casetest.Server{Others: []string{"test-2"}})
	if _, err := c.Find(t.Context(), "test-"); !errors.Is(err, cases.ErrAmbiguous) || !strings.Contains(err.Error(), "test-1.4e5f6a7b, test-2.4e5f6a7b") {
		t.Fatalf("got %v", err)
	}
}

func TestAClusterThatIsNoNameIsToldApart(t *testing.T) {
	c, _ := dial(t, &casetest.Server{})
	if _, err := c.List(t.Context(), cases.Filter{Cluster: "' OR 1=1"}); !errors.Is(err, cases.ErrNoName) {
		t.Fatalf("got %v", err)
	}
}

func TestAQueueThatNobodyPollsIsTold(t *testing.T) {
	server := casetest.Server{
		Pending: []*workflowpb.PendingActivityInfo{
			waiting("isolate", "firebreak-lab", enumspb.PENDING_ACTIVITY_STATE_SCHEDULED),
			waiting("deny", "firebreak-lab", enumspb.PENDING_ACTIVITY_STATE_SCHEDULED),
			waiting("read", workflows.AnalysisQueue, enumspb.PENDING_ACTIVITY_STATE_SCHEDULED),
			waiting("disks", "firebreak-other", enumspb.PENDING_ACTIVITY_STATE_STARTED),
		},
		Pollers: map[string][]*taskqueuepb.PollerInfo{workflows.AnalysisQueue: {{Identity: "worker"}}},
	}
	c, of := dial(t, &server)
	view, err := c.View(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"firebreak-lab"}, view.Unattended); diff != "" {
		t.Fatal(diff)
	}
}

func waiting(path, queue string, state enumspb.PendingActivityState) *workflowpb.PendingActivityInfo {
	return &workflowpb.PendingActivityInfo{
		ActivityId: path, State: state,
		ActivityOptions: &activitypb.ActivityOptions{TaskQueue: &taskqueuepb.TaskQueue{Name: queue}},
	}
}

// script is a case that is held again and again, and ends with the last of its holds.
type script struct {
	mu    sync.Mutex
	holds []string
}

func (s *script) state() workflows.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.holds) == 0 {
		return workflows.State{Status: workflows.Failed}
	}
	return workflows.State{Status: workflows.Held, Holds: []workflows.HeldStep{{Path: s.holds[0]}}}
}

func (s *script) decide(d workflows.Decision) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Path == "stubborn" {
		return errors.New("not this one")
	}
	s.holds = s.holds[1:]
	return nil
}

func (s *script) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.holds) == 0
}

func TestUndoAbortsWhatIsHeldInFinallyToo(t *testing.T) {
	for name, test := range map[string]struct{ holds, decided []string }{
		"each new hold":  {[]string{"act", "report", "history"}, []string{"act", "report", "history"}},
		"one is refused": {[]string{"act", "stubborn"}, []string{"act", "stubborn"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{holds: test.holds}
			server := casetest.Server{State: s.state, Decide: s.decide, Closed: s.closed}
			c, of := dial(t, &server)
			ctx, done := context.WithTimeout(t.Context(), 20*time.Second)
			defer done()
			_, err := c.Undo(ctx, of, cases.UndoRequest{By: "ann", AbortHeld: true}, func(workflows.UndoResult) {})
			var decided []string
			for _, d := range server.Decisions() {
				decided = append(decided, d.Path)
				if d.Action != workflows.AbortCase || d.By != "ann" || d.Reason == "" {
					t.Errorf("%+v", d)
				}
			}
			if diff := cmp.Diff(test.decided, decided); diff != "" {
				t.Fatalf("%v\n%s", err, diff)
			}
			if refused := errors.Is(err, cases.ErrRefused); refused != (name == "one is refused") || refused && !strings.Contains(err.Error(), `"stubborn"`) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestUndoDoesNotWaitForAWorkerInSilence(t *testing.T) {
	s := &script{holds: []string{"act", "report"}}
	server := casetest.Server{State: s.state, Closed: s.closed}
	server.Decide = func(d workflows.Decision) error { server.NoWorker = true; return s.decide(d) }
	c, of := dial(t, &server)
	ctx, done := context.WithTimeout(t.Context(), 20*time.Second)
	defer done()
	_, err := c.Undo(ctx, of, cases.UndoRequest{By: "ann", AbortHeld: true}, func(workflows.UndoResult) {})
	if err == nil || !strings.Contains(err.Error(), cases.ErrNoWorker.Error()) {
		t.Fatalf("got %v", err)
	}
}
