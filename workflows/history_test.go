package workflows_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// TestAGuardsNumbersStandInTheHistory: the record can be asked while the case is known; the history is for good.
func TestAGuardsNumbersStandInTheHistory(t *testing.T) {
	b := newBench(t)
	r := b.records()
	b.does("t.act", ok("done"))
	(&estate{runs: 1, nodes: 20}).serve(b)
	b.guarded(&plan.Guards{Pods: 3, Nodes: 1, Rate: &plan.Rate{Runs: 6, Per: time.Hour, Scope: "cluster"}, OnTrip: "fail"}, []plan.Step{
		use("a", "t.act", undoable, onPods("p1", "p2")), use("b", "t.act", undoable, onNode("n1")), use("c", "t.act", undoable, onPods("p3", "p4"), onError(plan.Fail)),
	})
	want := []activities.GuardCheck{
		{Step: "a", Runs: "2 of 6"},
		{Step: "a", Targets: []string{"pod/shop/p1", "pod/shop/p2"}, Pods: "2 of 3"},
		{Step: "b", Targets: []string{"node/n1"}, Nodes: "1 of 1"},
		{
			Step: "c", Targets: []string{"pod/shop/p3", "pod/shop/p4"}, Pods: "4 of 3", Tripped: []string{"maxTargets.pods"},
			Why: "4 pods are more than the 3 that one run may change",
		},
	}
	if d := cmp.Diff(want, r.checks(t), cmpopts.IgnoreFields(activities.GuardCheck{}, "At")); d != "" {
		t.Fatal(d)
	}
	for i, check := range r.checks(t) {
		if check.At.IsZero() || !strings.HasPrefix(r.markers[i].summary, "guards: "+check.Step) {
			t.Fatalf("%+v", r.markers[i])
		}
	}
	if last := r.markers[3].summary; last != "guards: c pod/shop/p3 pod/shop/p4, pods 4 of 3, tripped: maxTargets.pods" {
		t.Fatal(last)
	}
}

// TestTheRecordKeepsTheFirstChecksAndEveryTrip, and the history all of them.
func TestTheRecordKeepsTheFirstChecksAndEveryTrip(t *testing.T) {
	b := newBench(t)
	r := b.records()
	b.does("t.act", ok("done"))
	(&estate{}).serve(b)
	items := make([]any, 130)
	for i := range items {
		items[i] = fmt.Sprint("x", i)
	}
	b.guarded(&plan.Guards{Pods: 120, OnTrip: "fail"}, []plan.Step{each("all", "inputs.items", plan.Foreach{
		Concurrency: 1, OnError: plan.Continue, Do: []plan.Step{use("isolate", "t.act", undoable, onError(plan.Fail), onItem("Pod"))},
	})}, listing(items))
	kept := b.state().Guards
	tripped := 0
	for _, g := range kept {
		if len(g.Tripped) > 0 {
			tripped++
		}
	}
	if len(kept) != 110 || tripped != 10 || kept[99].Pods != "100 of 120" || len(r.markers) != 130 {
		t.Fatalf("the record keeps %d checks, %d of them tripped, the history %d", len(kept), tripped, len(r.markers))
	}
}

func listing(items []any) func(*workflows.Input) {
	return func(in *workflows.Input) {
		in.Inputs = map[string]any{"items": items}
		in.Plan.Inputs = []plan.Input{{Name: "items", Type: activities.Type{Kind: activities.List, Elem: &activities.Type{Kind: activities.String}}}}
	}
}

// TestAForeachHasALimitWhateverThePlaybookSays: a history ends at 51,200 events.
func TestAForeachHasALimitWhateverThePlaybookSays(t *testing.T) {
	for n, want := range map[int]string{2000: "", 2001: "2001 items are more than the limit of 2000"} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			b := newBench(t)
			items := make([]any, n)
			for i := range items {
				items[i] = "x"
			}
			none := block("none", func(s *plan.Step) { s.Set = []plan.Entry{expr("a", "1")}; s.Output = "{a: integer}" })
			all := each("all", "inputs.items", plan.Foreach{Concurrency: 10, Max: 5000, Do: []plan.Step{none}})
			all.OnError = plan.Fail
			b.guarded(nil, []plan.Step{all}, listing(items))
			err := b.GetWorkflowError()
			if want == "" && err != nil || want != "" && (err == nil || kind(t, err) != string(activities.GuardTripped) || !strings.Contains(err.Error(), want)) {
				t.Fatal(err)
			}
		})
	}
}

// TestAnActivityIsRunAsThePlaybookSays: its times and its retries reach Temporal.
func TestAnActivityIsRunAsThePlaybookSays(t *testing.T) {
	retry := plan.Retry{Attempts: 7, Initial: 3 * time.Second, Backoff: 1.5, Max: 20 * time.Second, Never: []string{"Odd"}}
	for name, test := range map[string]struct {
		change func(*plan.Step)
		want   workflow.ActivityOptions
	}{
		"everything said": {
			func(s *plan.Step) { s.Uses.Timeout, s.Uses.Heartbeat, s.Uses.Retry = 6*time.Hour, time.Minute, retry },
			workflow.ActivityOptions{StartToCloseTimeout: 6 * time.Hour, HeartbeatTimeout: time.Minute, RetryPolicy: policy(7, 3*time.Second, 1.5, 20*time.Second, "Odd")},
		},
		"nothing said": {
			func(s *plan.Step) { s.Uses.Timeout, s.Uses.Retry = 2*time.Minute, plan.Retry{} },
			workflow.ActivityOptions{StartToCloseTimeout: 2 * time.Minute, HeartbeatTimeout: 15 * time.Second, RetryPolicy: policy(1, time.Second, 1, 30*time.Second)},
		},
		"short": {
			func(s *plan.Step) { s.Uses.Timeout = 5 * time.Second },
			workflow.ActivityOptions{StartToCloseTimeout: 5 * time.Second, HeartbeatTimeout: 5 * time.Second, RetryPolicy: policy(3, time.Second, 2, 10*time.Second)},
		},
		"a pause that is too long": {
			func(s *plan.Step) {
				s.Uses.Retry = plan.Retry{Attempts: 2, Initial: 3 * time.Hour, Backoff: 2, Max: 9 * time.Hour}
			},
			workflow.ActivityOptions{StartToCloseTimeout: time.Minute, HeartbeatTimeout: 15 * time.Second, RetryPolicy: policy(2, 3*time.Hour, 2, time.Hour)},
		},
		"analysis": {
			func(s *plan.Step) { s.Uses.Place = activities.OnAnalysis },
			workflow.ActivityOptions{TaskQueue: workflows.AnalysisQueue, StartToCloseTimeout: time.Minute, HeartbeatTimeout: 15 * time.Second, RetryPolicy: policy(3, time.Second, 2, 10*time.Second)},
		},
		"without it the run goes on": {
			func(s *plan.Step) { s.OnError = plan.Continue },
			workflow.ActivityOptions{
				StartToCloseTimeout: time.Minute, HeartbeatTimeout: 15 * time.Second, RetryPolicy: policy(3, time.Second, 2, 10*time.Second),
				ScheduleToCloseTimeout: 3*time.Minute + 3*time.Second,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			r := b.records()
			b.does("t.act", ok("done"))
			b.start([]plan.Step{use("a", "t.act", test.change)}, nil)
			if test.want.TaskQueue == "" {
				test.want.TaskQueue = workflows.ClusterQueue("lab")
			}
			test.want.ActivityID, test.want.Summary, test.want.WaitForCancellation = "a", "contain / a", true
			if d := cmp.Diff(test.want, r.options["t.act"]); d != "" {
				t.Fatal(d)
			}
		})
	}
}

func policy(attempts int32, initial time.Duration, backoff float64, most time.Duration, never ...string) *temporal.RetryPolicy {
	final := []string{"Forbidden", "InvalidInput", "NotFound", "Conflict", "GuardTripped", "Corrupt", "Unsupported"}
	return &temporal.RetryPolicy{
		InitialInterval: initial, BackoffCoefficient: backoff, MaximumInterval: most, MaximumAttempts: attempts,
		NonRetryableErrorTypes: append(final, never...),
	}
}

// TestAGuardThatAsksReminds: nothing is contained while nobody answers.
func TestAGuardThatAsksReminds(t *testing.T) {
	b := newBench(t)
	var told []string
	b.does(workflows.Notify, func(_ string, _ int32, in json.RawMessage) (any, error) {
		var m message
		err := json.Unmarshal(in, &m)
		told = append(told, fmt.Sprint(b.Now().Sub(b.state().Started).Round(time.Minute), " ", m.About, ": ", strings.Fields(m.Title)[1]))
		return map[string]any{"status": "done"}, err
	})
	b.does("t.act", ok("done"))
	(&estate{}).serve(b)
	b.answers(50*time.Minute, "a/guards", "approve", "ann", "")
	b.guarded(upTo(1), []plan.Step{use("a", "t.act", undoable, onPods("p1", "p2"))}, leads, func(in *workflows.Input) { in.Notify = true })
	want := []string{"0s a/guards: asks:", "15m0s a/guards: still", "30m0s a/guards: still", "45m0s a/guards: still"}
	if d := cmp.Diff(want, told); d != "" || b.GetWorkflowError() != nil {
		t.Fatal(d, b.GetWorkflowError())
	}
}
