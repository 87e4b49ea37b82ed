package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// bench runs plans in virtual time with activities that the test writes itself.
type bench struct {
	*testsuite.TestWorkflowEnvironment

	t      *testing.T
	mu     sync.Mutex
	called []string // "name path", in the order of the calls
	keys   []string
	inputs map[string]string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	b := &bench{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t, inputs: map[string]string{}}
	b.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute}) // a busy machine is no deadlock
	i := workflows.New()
	b.RegisterWorkflowWithOptions(i.Case, workflow.RegisterOptions{Name: workflows.CaseWorkflow})
	b.RegisterWorkflowWithOptions(i.Undo, workflow.RegisterOptions{Name: workflows.UndoWorkflow})
	return b
}

// does registers an activity; attempt counts from 1.
func (b *bench) does(name string, run func(path string, attempt int32, in json.RawMessage) (any, error)) {
	b.RegisterActivityWithOptions(func(ctx context.Context, in workflows.ActivityInput) (json.RawMessage, error) {
		b.note(name, in)
		out, err := run(in.Call.Step, activity.GetInfo(ctx).Attempt, in.Input)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}, activity.RegisterOptions{Name: name})
}

// hears registers an activity that is only to be told something.
func (b *bench) hears(name string, hear func(workflows.ActivityInput)) {
	b.RegisterActivityWithOptions(func(_ context.Context, in workflows.ActivityInput) (json.RawMessage, error) {
		hear(in)
		return json.RawMessage(`{"status":"done"}`), nil
	}, activity.RegisterOptions{Name: name})
}

func (b *bench) note(name string, in workflows.ActivityInput) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.called = append(b.called, name+" "+in.Call.Step)
	b.keys = append(b.keys, in.Call.Key)
	b.inputs[in.Call.Step] = string(in.Input)
}

func (b *bench) calls(name string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, c := range b.called {
		if c == name || len(c) > len(name) && c[:len(name)+1] == name+" " {
			n++
		}
	}
	return n
}

func (b *bench) start(steps, finally []plan.Step) {
	b.ExecuteWorkflow(workflows.CaseWorkflow, workflows.Input{
		Plan: plan.Plan{Name: "test", Version: "1.0.0", Hash: "h", Steps: steps, Finally: finally}, Cluster: "lab",
		Alert: plan.Alert{Rule: "Terminal shell", Time: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)},
	})
	if !b.IsWorkflowCompleted() {
		b.t.Fatal("the case did not end")
	}
}

func (b *bench) state() workflows.State {
	b.t.Helper()
	state, err := workflows.Gather(false, func(l workflows.Look) (workflows.StatePage, error) {
		return query[workflows.StatePage](b, workflows.StateQuery, l), nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return state
}

func query[T any](b *bench, name string, args ...any) T {
	b.t.Helper()
	var out T
	value, err := b.QueryWorkflow(name, args...)
	if err == nil {
		err = value.Get(&out)
	}
	if err != nil {
		b.t.Fatalf("query %s: %v", name, err)
	}
	return out
}

func (b *bench) step(path string) activities.StepRecord {
	b.t.Helper()
	for _, s := range b.state().Steps {
		if s.Path == path {
			return s
		}
	}
	b.t.Fatalf("no record of step %q", path)
	return activities.StepRecord{}
}

// decides answers a held step after a while, and gives the error of the update.
func (b *bench) decides(after time.Duration, d workflows.Decision) *updated {
	u := &updated{}
	b.RegisterDelayedCallback(func() { b.UpdateWorkflow(workflows.DecideUpdate, "", u, d) }, after)
	return u
}

type updated struct{ refused, failed error }

func (u *updated) Accept()                   {}
func (u *updated) Reject(err error)          { u.refused = err }
func (u *updated) Complete(_ any, err error) { u.failed = err }

// Plans, written as the compiler would.

func use(id, name string, change ...func(*plan.Step)) plan.Step {
	s := plan.Step{ID: id, Phase: "contain", OnError: plan.Hold, Uses: &plan.Uses{
		Activity: name, Effect: activities.Read, Place: activities.OnCluster, Timeout: time.Minute,
		Retry: plan.Retry{Attempts: 3, Initial: time.Second, Backoff: 2, Max: 10 * time.Second},
	}}
	for _, c := range change {
		c(&s)
	}
	return s
}

func onError(o plan.OnError) func(*plan.Step) { return func(s *plan.Step) { s.OnError = o } }

func undoable(s *plan.Step) { s.Uses.Undoable, s.Uses.Effect = true, activities.Change }

func with(entries ...plan.Entry) func(*plan.Step) {
	return func(s *plan.Step) { s.Uses.With = plan.Value{Map: entries} }
}

func expr(key, source string) plan.Entry {
	return plan.Entry{Key: key, Value: plan.Value{Expr: &plan.Expr{Source: source}}}
}

func iff(source string) func(*plan.Step) {
	return func(s *plan.Step) { s.If = &plan.Expr{Source: source} }
}

func each(id, in string, f plan.Foreach) plan.Step {
	f.In, f.As = plan.Expr{Source: in}, "item"
	return plan.Step{ID: id, Phase: "contain", OnError: plan.Hold, Foreach: &f}
}

func ok(summary string) func(string, int32, json.RawMessage) (any, error) {
	return func(path string, _ int32, _ json.RawMessage) (any, error) {
		return map[string]any{"status": "done", "summary": summary, "path": path}, nil
	}
}

func forbidden(string, int32, json.RawMessage) (any, error) {
	return nil, temporal.NewApplicationErrorWithOptions("pods is forbidden; grant it", string(activities.Forbidden),
		temporal.ApplicationErrorOptions{Details: []any{workflows.FailureDetails{Cause: "pods is forbidden", Advice: "grant it"}}})
}

func broken(string, int32, json.RawMessage) (any, error) {
	return nil, errors.New("connection refused")
}

func kind(t *testing.T, err error) string {
	t.Helper()
	var application *temporal.ApplicationError
	if !errors.As(err, &application) {
		t.Fatalf("no application error: %v", err)
	}
	if application.Unwrap() != nil {
		t.Fatalf("the error is a chain: %v", err)
	}
	return application.Type()
}
