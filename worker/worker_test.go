package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows"
)

type in struct {
	Pod string `json:"pod" doc:"Pod"`
}

type out struct {
	activities.Result

	Text string `json:"text" doc:"Text"`
}

// bench runs one attempt of an activity as a worker does.
type bench struct {
	*testsuite.TestActivityEnvironment

	log bytes.Buffer
}

func newBench(run func(context.Context, activities.Call, in) (out, error)) *bench {
	var suite testsuite.WorkflowTestSuite
	b := &bench{TestActivityEnvironment: suite.NewTestActivityEnvironment()}
	b.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{
		&around{log: slog.New(slog.NewTextHandler(&b.log, nil))},
	}})
	b.RegisterActivityWithOptions(runner(activities.Define(activities.Activity[in, out]{Name: "t.act", Run: run})),
		activity.RegisterOptions{Name: "t.act"})
	return b
}

func (b *bench) try(input string) (out, error) {
	var got out
	value, err := b.ExecuteActivity("t.act", workflows.ActivityInput{
		Call: activities.Call{Case: "c", Step: "s", Key: "c/s"}, Input: json.RawMessage(input),
	})
	if err == nil {
		err = value.Get(&got)
	}
	return got, err
}

func TestErrorsAreSaidInTemporalsWords(t *testing.T) {
	cause := errors.New("pods is forbidden")
	tests := map[string]struct {
		err   error
		kind  string
		final bool
		delay time.Duration
		text  string
	}{
		"permanent": {activities.Permanent(activities.Forbidden, cause, "grant it"), "Forbidden", true, 0, "pods is forbidden; grant it"},
		"wrapped": {
			fmt.Errorf("label node: %w", activities.Permanent(activities.Forbidden, cause, "grant it")), "Forbidden", true, 0,
			"label node: pods is forbidden; grant it",
		},
		"throttled": {&activities.ThrottledError{After: 7 * time.Second, Err: cause}, workflows.KindThrottled, false, 7 * time.Second, "pods is forbidden"},
		"other":     {cause, workflows.KindTemporary, false, 0, "pods is forbidden"},
		"long":      {errors.New(strings.Repeat("x", 1<<20)), workflows.KindTemporary, false, 0, strings.Repeat("x", maxMessage) + "…"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(func(context.Context, activities.Call, in) (out, error) { return out{}, test.err })
			_, err := b.try(`{"pod":"web"}`)
			var got *temporal.ApplicationError
			if !errors.As(err, &got) {
				t.Fatalf("got %v", err)
			}
			if got.Type() != test.kind || got.NonRetryable() != test.final || got.NextRetryDelay() != test.delay || got.Message() != test.text {
				t.Fatalf("kind %q, final %v, delay %s, text %.80q", got.Type(), got.NonRetryable(), got.NextRetryDelay(), got.Message())
			}
			var d workflows.FailureDetails
			if test.final && (got.Details(&d) != nil || d.Advice != "grant it" || strings.Contains(d.Cause, "grant it")) {
				t.Fatalf("details are %+v", d)
			}
		})
	}
}

func TestAnInputThatDoesNotDecodeIsFinal(t *testing.T) {
	b := newBench(func(context.Context, activities.Call, in) (out, error) { return out{}, nil })
	_, err := b.try(`{"pood":"web"}`)
	var got *temporal.ApplicationError
	if !errors.As(err, &got) || got.Type() != string(activities.InvalidInput) || !got.NonRetryable() {
		t.Fatalf("got %v", err)
	}
}

func TestAPanicEndsTheAttemptAlone(t *testing.T) {
	b := newBench(func(context.Context, activities.Call, in) (out, error) { panic("index out of range") })
	_, err := b.try(`{"pod":"web"}`)
	var got *temporal.ApplicationError
	if !errors.As(err, &got) || got.NonRetryable() || !strings.Contains(got.Message(), "index out of range") {
		t.Fatalf("got %v", err)
	}
	if strings.Contains(got.Message(), ".go:") || !strings.Contains(b.log.String(), "worker_test.go") {
		t.Fatalf("the stack belongs to the log: %s", b.log.String())
	}
}

func TestAnOutputThatWouldFillTheHistoryIsRefused(t *testing.T) {
	b := newBench(func(_ context.Context, _ activities.Call, i in) (out, error) {
		return out{Text: strings.Repeat("x", len(i.Pod)*workflows.MaxOutput/4)}, nil
	})
	if got, err := b.try(`{"pod":"web"}`); err != nil || len(got.Text) == 0 {
		t.Fatal(err)
	}
	_, err := b.try(`{"pod":"webs"}`)
	var got *temporal.ApplicationError
	if !errors.As(err, &got) || got.Type() != string(activities.Unsupported) || !strings.Contains(got.Message(), "at most 65536") {
		t.Fatalf("got %v", err)
	}
}

func TestProgressBecomesHeartbeatsAndIsResumed(t *testing.T) {
	b := newBench(func(ctx context.Context, _ activities.Call, _ in) (out, error) {
		last, resumed := activities.Resume(ctx)
		if !resumed || last.Done != 40 || string(last.Cursor) != `"block-40"` {
			return out{}, fmt.Errorf("resumed from %+v", last)
		}
		activities.Report(ctx, activities.Progress{Done: 80, Total: 100})
		now, _ := activities.Resume(ctx)
		return out{Text: fmt.Sprint(now.Done)}, nil
	})
	b.SetHeartbeatDetails(activities.Progress{Done: 40, Total: 100, Cursor: json.RawMessage(`"block-40"`)})
	beat := make(chan activities.Progress, 16)
	b.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var p activities.Progress
		if details.Get(&p) == nil {
			beat <- p
		}
	})
	got, err := b.try(`{"pod":"web"}`)
	if err != nil || got.Text != "80" {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestTheWorkerBeatsWhileTheActivityIsSilent(t *testing.T) {
	b := &beats{last: activities.Progress{Done: 3}, known: true}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	count := make(chan int64, 100)
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var p activities.Progress
		if details.Get(&p) == nil {
			count <- p.Done
		}
	})
	env.RegisterActivityWithOptions(func(ctx context.Context) error {
		stop := reporter{ctx, b}.keepBeating(time.Millisecond)
		defer stop()
		time.Sleep(50 * time.Millisecond)
		return nil
	}, activity.RegisterOptions{Name: "silent"})
	if _, err := env.ExecuteActivity("silent"); err != nil {
		t.Fatal(err)
	}
	if first := <-count; first != 3 {
		t.Fatalf("beat with %d: the attempt before had come to 3", first)
	}
}

func TestAttemptsAreCountedOverRounds(t *testing.T) {
	input := []any{workflows.ActivityInput{Call: activities.Call{Step: "disks[0]"}}}
	for _, c := range []struct {
		id      string
		attempt int32
		args    []any
		want    int
	}{
		{"disks[0]", 1, input, 1},
		{"disks[0]", 4, input, 4},
		{"disks[0] (round 2)", 1, input, 2}, // a round before it has run
		{"disks[0] (round 2)", 2, input, 3},
		{"disks[0]", 1, nil, 2}, // not known: no claim that it is the first
	} {
		if got := attemptOf(activity.Info{ActivityID: c.id, Attempt: c.attempt}, c.args); got != c.want {
			t.Errorf("attempt %d of %q is number %d, want %d", c.attempt, c.id, got, c.want)
		}
	}
}

func TestTheActivityIsToldItsAttempt(t *testing.T) {
	say := func(ctx context.Context, _ activities.Call, _ in) (out, error) {
		return out{Text: fmt.Sprint(activities.Attempt(ctx), " ", activity.GetInfo(ctx).ActivityID)}, nil
	}
	got, err := newBench(say).try(`{"pod":"web"}`)
	number, id, _ := strings.Cut(got.Text, " ")
	if err != nil || number != "2" { // the bench's activity id is not the step
		t.Fatalf("%+v, %v", got, err)
	}
	value, err := newBench(say).ExecuteActivity("t.act", workflows.ActivityInput{Call: activities.Call{Step: id}, Input: json.RawMessage(`{"pod":"web"}`)})
	if err != nil || value.Get(&got) != nil || got.Text != "1 "+id {
		t.Fatalf("%+v, %v: want the first attempt", got, err)
	}
}

func TestRolesAreChecked(t *testing.T) {
	if _, err := New(Config{Roles: []Role{"cook"}}); err == nil || !strings.Contains(err.Error(), `"cook"`) {
		t.Fatal(err)
	}
	if _, err := New(Config{Roles: []Role{Cluster}}); err == nil || !strings.Contains(err.Error(), "cluster's name") {
		t.Fatal(err)
	}
}

// TestAWorkerThatStopsIsNoFaultOfTheStep: what a playbook says of failures does not make its end final.
func TestAWorkerThatStopsIsNoFaultOfTheStep(t *testing.T) {
	stop := make(chan struct{})
	b := newBench(func(ctx context.Context, _ activities.Call, _ in) (out, error) { return out{}, ctx.Err() })
	b.SetWorkerStopChannel(stop)
	ctx, cancel := context.WithCancel(t.Context())
	b.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx, Interceptors: []interceptor.WorkerInterceptor{
		&around{log: slog.New(slog.NewTextHandler(&b.log, nil))},
	}})
	close(stop)
	cancel()
	_, err := b.try(`{"pod":"web"}`)
	var got *temporal.ApplicationError
	if !errors.As(err, &got) || got.Type() != workflows.KindStopped || got.NonRetryable() {
		t.Fatalf("got %v", err)
	}
}

// TestAPlanRunsOnTheActivityThatItWasCompiledFor: another declaration under its name is told, and tried again elsewhere.
func TestAPlanRunsOnTheActivityThatItWasCompiledFor(t *testing.T) {
	ran := 0
	run := func(context.Context, activities.Call, in) (out, error) { ran++; return out{}, nil }
	own, err := activities.Essence(activities.Define(activities.Activity[in, out]{Name: "t.act", Run: run}))
	if err != nil {
		t.Fatal(err)
	}
	for wanted, runs := range map[string]int{"": 1, own: 1, "0123456789abcdef": 0} {
		ran = 0
		_, err := newBench(run).ExecuteActivity("t.act", workflows.ActivityInput{Input: json.RawMessage(`{"pod":"web"}`), Declared: wanted})
		var got *temporal.ApplicationError
		if ran != runs || runs == 0 && (!errors.As(err, &got) || got.Type() != workflows.KindCatalog || got.NonRetryable()) || runs == 1 && err != nil {
			t.Errorf("%q: ran %d times, %v", wanted, ran, err)
		}
	}
}
