package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// waits registers an activity that works until it is canceled; the first one that starts makes the decisions, once as
// many steps as said are held.
func (b *bench) waits(name string, holds int, decisions ...workflows.Decision) []*updated {
	list := make([]*updated, len(decisions))
	for i := range list {
		list[i] = &updated{}
	}
	over := make(chan struct{})
	b.t.Cleanup(func() { close(over) })
	decide := sync.OnceFunc(func() {
		for b.holds() < holds {
			time.Sleep(10 * time.Millisecond)
		}
		for i, d := range decisions {
			b.UpdateWorkflow(workflows.DecideUpdate, "", list[i], d)
		}
	})
	b.RegisterActivityWithOptions(func(ctx context.Context, in workflows.ActivityInput) (json.RawMessage, error) {
		b.note(name, in)
		decide()
		select {
		case <-ctx.Done():
		case <-over:
		}
		return nil, errors.New("nobody canceled it")
	}, activity.RegisterOptions{Name: name})
	return list
}

// holds counts what is held now, while the workflow's own coroutines rest.
func (b *bench) holds() int {
	n := make(chan int, 1)
	b.RegisterDelayedCallback(func() { n <- len(query[workflows.Waiting](b, workflows.WaitingQuery).Holds) }, 0)
	return <-n
}

func abort(path string) workflows.Decision {
	return workflows.Decision{Path: path, Action: workflows.AbortCase, Reason: "a drill", By: "ann"}
}

func hours(s *plan.Step) { s.Uses.Timeout = 10 * time.Hour }

func TestAnAbortOfAHeldStepStopsItsSiblings(t *testing.T) {
	b := newBench(t)
	b.SetTestTimeout(20 * time.Second)
	b.does("t.act", forbidden)
	b.does("t.next", ok("done"))
	u := b.waits("t.wait", 1, abort("all/logs"))[0]
	b.start([]plan.Step{
		{ID: "all", Phase: "preserve", OnError: plan.Hold, Parallel: []plan.Step{use("logs", "t.act"), use("disks", "t.wait", hours)}},
		use("next", "t.next"),
	}, []plan.Step{use("seal", "t.next")})
	b.isAborted(u, `aborted by ann at step "all/logs": a drill`)
	if diff := cmp.Diff(1, b.calls("t.next seal")+b.calls("t.next next")); diff != "" {
		t.Fatalf("called %q", b.called)
	}
	if s := b.step("all/disks"); s.Status != activities.StepFailed || !strings.Contains(s.Error, "aborted by ann") {
		t.Fatalf("%+v", s)
	}
	if s := b.step("all/logs"); s.Error != "pods is forbidden" {
		t.Fatalf("%+v", s)
	}
}

func TestARunningCaseIsAbortedWithPersonAndReason(t *testing.T) {
	b := newBench(t)
	b.SetTestTimeout(20 * time.Second)
	b.does("t.next", ok("done"))
	u := b.waits("t.wait", 0, abort(""))[0]
	b.start([]plan.Step{
		use("isolate", "t.next", undoable),
		each("disks", "['a', 'b', 'c']", plan.Foreach{Concurrency: 2, OnError: plan.Continue,
			Do: []plan.Step{use("take", "t.wait", hours, onError(plan.Continue))}}),
		use("next", "t.next"),
	}, []plan.Step{use("seal", "t.next")})
	b.isAborted(u, "aborted by ann: a drill")
	if b.calls("t.next") != 2 || b.calls("t.wait") > 2 {
		t.Fatalf("called %q", b.called)
	}
	if n := len(query[[]workflows.Undoable](b, workflows.UndoQuery)); n != 1 {
		t.Fatalf("%d changes can be undone", n)
	}
}

func TestAnAbortThatMakesNoSenseIsRefused(t *testing.T) {
	tests := map[string]struct {
		change func(*workflows.Decision)
		want   string
	}{
		"no reason":       {func(d *workflows.Decision) { d.Reason = "" }, "say why"},
		"nobody":          {func(d *workflows.Decision) { d.By = "" }, "who decides"},
		"a running step":  {func(d *workflows.Decision) { d.Path = "act" }, `step "act" is not held`},
		"retry of a case": {func(d *workflows.Decision) { d.Action = workflows.RetryStep }, `step "" is not held`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.SetTestTimeout(20 * time.Second)
			bad := abort("")
			test.change(&bad)
			u := b.waits("t.wait", 0, bad, abort(""))[0]
			b.start([]plan.Step{use("act", "t.wait", hours)}, nil)
			if u.refused == nil || !strings.Contains(u.refused.Error(), test.want) {
				t.Fatalf("got %v, want %q", u.refused, test.want)
			}
		})
	}
}

func TestASecondAbortIsRefusedAndLeavesFinallyAlone(t *testing.T) {
	b := newBench(t)
	var second updated
	b.does("t.act", forbidden)
	b.does("t.seal", func(path string, attempt int32, in json.RawMessage) (any, error) {
		b.UpdateWorkflow(workflows.DecideUpdate, "", &second, abort(""))
		return ok("sealed")(path, attempt, in)
	})
	u := b.decides(time.Hour, abort("act"))
	b.start([]plan.Step{use("act", "t.act")}, []plan.Step{use("seal", "t.seal"), use("last", "t.seal")})
	b.isAborted(u, `aborted by ann at step "act": a drill`)
	if second.refused == nil || !strings.Contains(second.refused.Error(), "`finally`") {
		t.Fatalf("got %v", second.refused)
	}
	if b.step("last").Status != activities.StepDone {
		t.Fatalf("called %q", b.called)
	}
}

func TestAnAbortInFinallyEndsThatStepOnly(t *testing.T) {
	for name, path := range map[string]string{"the step": "report", "whatever is held": ""} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.does("t.act", forbidden)
			b.does("t.next", ok("done"))
			u := b.decides(time.Hour, abort(path))
			b.start([]plan.Step{use("act", "t.next")}, []plan.Step{use("report", "t.act"), use("history", "t.next"), use("seal", "t.next")})
			b.isAborted(u, `aborted by ann at step "report": a drill`)
			want := []string{"t.next act", "t.act report", "t.next history", "t.next seal"}
			if diff := cmp.Diff(want, b.called); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

// isAborted tells whether the decision was taken and the case ended by it, saying who and why.
func (b *bench) isAborted(u *updated, want string) {
	b.t.Helper()
	if u.refused != nil || u.failed != nil {
		b.t.Fatalf("%v, %v", u.refused, u.failed)
	}
	err := b.GetWorkflowError()
	if got := kind(b.t, err); got != workflows.KindAborted || !strings.Contains(err.Error(), want) {
		b.t.Fatalf("%s: %v", got, err)
	}
	state := b.state()
	if state.Outcome != workflows.OutcomeAborted || state.Status != workflows.Failed || len(state.Holds) != 0 {
		b.t.Fatalf("%s, %s, %+v", state.Status, state.Outcome, state.Holds)
	}
	if state.Aborted == nil || state.Aborted.By != "ann" || state.Aborted.Reason != "a drill" {
		b.t.Fatalf("%+v", state.Aborted)
	}
}
