package schedules_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/internal/labenv"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/worker"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
	"github.com/firebreak-ir/firebreak/workflows/schedules"
)

// desk is a namespace of its own on the lab's Temporal, with a worker that knows no activity.
type desk struct {
	*schedules.Schedules

	client    client.Client
	cases     *cases.Cases
	namespace string
	rests     func() // stops its worker
}

func newDesk(t *testing.T) desk {
	t.Helper()
	lab := labenv.Load(t)
	namespace := fmt.Sprintf("schedules-%d-%d", os.Getpid(), time.Now().UnixNano())
	n, err := client.NewNamespaceClient(client.Options{HostPort: lab.Temporal.Address})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	err = n.Register(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := cases.Dial(cases.Options{Address: lab.Temporal.Address, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	d := desk{schedules.New(c.Client(), nil, time.Now), c.Client(), c, namespace, works(t, c.Client(), namespace)}
	d.eventually(t, "the search attributes", func() bool {
		_, err := c.List(t.Context(), cases.Filter{Cluster: "lab"})
		return err == nil
	})
	return d
}

func works(t *testing.T, c client.Client, namespace string) (stop func()) {
	t.Helper()
	w, err := worker.New(worker.Config{
		Client: c, Namespace: namespace, Cluster: "lab", Catalog: activities.NewCatalog(), Drain: time.Second,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-end; err != nil {
			t.Errorf("worker: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func (d desk) eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 300 {
		if is() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}

// waiting is a playbook that waits for a minute.
func waiting(cron string) plan.Plan {
	return plan.Plan{
		Name: "drilled", Version: "1.0.0", Hash: "0123456789abcdef",
		Steps: []plan.Step{{ID: "pause", Path: "pause", Phase: "identify", OnError: plan.Hold, Wait: &plan.Wait{For: time.Minute}}},
		Triggers: []plan.Trigger{
			{ID: "falco", Falco: &plan.FalcoTrigger{}},
			{ID: "weekly", Mode: plan.Drill, Schedule: &plan.ScheduleTrigger{Cron: cron, Timezone: "Europe/Berlin", Overlap: "skip", Catchup: 15 * time.Minute, Jitter: time.Minute},
				Alert: &plan.Alert{Source: "falco", Rule: "Terminal shell", Target: plan.Target{Namespace: "shop", Pod: "web-0"}}},
		},
	}
}

func (d desk) apply(t *testing.T, p plan.Plan, change func(*schedules.Apply)) []schedules.Change {
	t.Helper()
	wanted, err := schedules.Of(workflows.Input{Plan: p, Cluster: "lab"})
	if err != nil {
		t.Fatal(err)
	}
	a := schedules.Apply{Wanted: wanted, Cluster: "lab", By: "ann"}
	if change != nil {
		change(&a)
	}
	done, err := d.Apply(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func differs(t *testing.T, want, got []schedules.Change) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestSchedulesOnTemporal(t *testing.T) {
	d := newDesk(t)
	t.Run("apply, pause, update in place", d.inPlace)
	t.Run("a triggered run is a drill", d.triggers)
	t.Run("a live run is not marked as a drill", d.live)
	t.Run("prune", d.prunes)
}

const id = "drilled-weekly@lab"

func (d desk) inPlace(t *testing.T) {
	p := waiting("0 10 * * TUE")
	differs(t, []schedules.Change{{ID: id, Change: schedules.Created}}, d.apply(t, p, func(a *schedules.Apply) { a.DryRun = true }))
	if _, err := d.Get(t.Context(), id); !errors.Is(err, schedules.ErrNotFound) {
		t.Fatalf("a dry run created it: %v", err)
	}
	differs(t, []schedules.Change{{ID: id, Change: schedules.Created}}, d.apply(t, p, nil))
	differs(t, []schedules.Change{{ID: id, Change: schedules.Unchanged}}, d.apply(t, p, nil))
	is, err := d.Get(t.Context(), id)
	if err != nil || is.Mode != "drill" || is.Cron != "0 10 * * TUE" || !strings.HasPrefix(is.Note, "applied by ann at") || len(is.Next) != 3 {
		t.Fatalf("%v, %+v", err, is)
	}
	if at := is.Next[0].In(berlin(t)); at.Weekday() != time.Tuesday || at.Hour() != 10 {
		t.Fatalf("next is %s", at)
	}
	if err := d.Pause(t.Context(), id, "bob", "release week"); err != nil {
		t.Fatal(err)
	}
	later := waiting("0 11 * * TUE")
	why := []string{"cron: 0 10 * * TUE → 0 11 * * TUE"}
	differs(t, []schedules.Change{{ID: id, Change: schedules.Updated, Why: why, Paused: true}}, d.apply(t, later, func(a *schedules.Apply) { a.DryRun = true }))
	differs(t, []schedules.Change{{ID: id, Change: schedules.Updated, Why: why, Paused: true}}, d.apply(t, later, nil))
	differs(t, []schedules.Change{{ID: id, Change: schedules.Unchanged, Paused: true}}, d.apply(t, later, nil))
	if is, err = d.Get(t.Context(), id); err != nil || !is.Paused || is.Note != "paused by bob: release week" || is.Cron != "0 11 * * TUE" {
		t.Fatalf("the update lost the pause: %v, %+v", err, is)
	}
	if err := d.Resume(t.Context(), id, "bob", ""); err != nil {
		t.Fatal(err)
	}
	other := later
	other.Hash = "fedcba9876543210"
	other.Triggers[1].Schedule.Overlap = "allow_all"
	differs(t, []schedules.Change{{ID: id, Change: schedules.Updated, Why: []string{"overlap: Skip → AllowAll", "plan: 0123456789ab → fedcba987654"}}}, d.apply(t, other, nil))
	differs(t, []schedules.Change{{ID: id, Change: schedules.Unchanged}}, d.apply(t, other, nil))
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	place, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return place
}

func (d desk) triggers(t *testing.T) {
	d.apply(t, waiting("0 10 * * TUE"), nil)
	run, started, err := d.Trigger(t.Context(), id)
	if err != nil || !started || !strings.HasPrefix(run.Case, "drilled-") || len(run.Case) > 63 || strings.ContainsAny(run.Case, ":") {
		t.Fatalf("%v, %+v", err, run)
	}
	if _, again, err := d.Trigger(t.Context(), id); err != nil || again {
		t.Fatalf("overlap skip started another run: %v", err)
	}
	var found cases.Case
	d.eventually(t, "the case in the lists", func() bool {
		found, err = d.cases.Find(t.Context(), run.Case)
		return err == nil
	})
	state, err := d.cases.State(t.Context(), found)
	if err != nil || state.Case != run.Case || state.Mode != string(plan.Drill) || state.Alerts != 1 || !found.Drill {
		t.Fatalf("%v, %+v, %+v", err, found, state)
	}
	if at := time.Since(state.Started); at > 5*time.Minute || state.Cluster != "lab" {
		t.Fatalf("%+v", state.Record)
	}
	if err := d.cases.Decide(t.Context(), found, workflows.Decision{Action: workflows.AbortCase, Reason: "a test", By: "ann"}); err != nil {
		t.Fatal(err)
	}
}

// live: the rate of the guards counts cases without the mark, and drills among themselves.
func (d desk) live(t *testing.T) {
	p := waiting("0 10 * * TUE")
	p.Name, p.Triggers[1].Mode = "hourly", ""
	d.apply(t, p, nil)
	run, _, err := d.Trigger(t.Context(), "hourly-weekly@lab")
	if err != nil {
		t.Fatal(err)
	}
	found, err := d.client.DescribeWorkflowExecution(t.Context(), run.Workflow, "")
	if err != nil {
		t.Fatal(err)
	}
	if marks := found.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields(); marks[workflows.PlaybookAttribute] == nil || marks[workflows.DrillAttribute] != nil {
		t.Fatalf("the run has the attributes %v", marks)
	}
	if err := d.cases.Decide(t.Context(), cases.Case{ID: run.Case, Workflow: run.Workflow}, workflows.Decision{Action: workflows.AbortCase, Reason: "a test", By: "ann"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(t.Context(), "hourly-weekly@lab"); err != nil {
		t.Fatal(err)
	}
}

func (d desk) prunes(t *testing.T) {
	_, err := d.client.ScheduleClient().Create(t.Context(), client.ScheduleOptions{
		ID: "theirs@lab", Spec: client.ScheduleSpec{CronExpressions: []string{"0 0 1 1 *"}},
		Action: &client.ScheduleWorkflowAction{ID: "theirs", Workflow: "Theirs", TaskQueue: "theirs"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(t.Context(), "theirs@lab"); !errors.Is(err, schedules.ErrForeign) {
		t.Fatalf("somebody else's schedule: %v", err)
	}
	if _, err := d.Apply(t.Context(), schedules.Apply{Wanted: []schedules.Wanted{schedules.Sweep("lab", "0 * * * *", "", false)}, Cluster: "lab", By: "ann", Playbooks: []string{"-"}}); err != nil {
		t.Fatal(err)
	}
	d.eventually(t, "both schedules in the list", func() bool {
		list, err := d.List(t.Context(), "lab")
		return err == nil && len(list) == 2 && list[0].ID == id && list[1].ID == "sweep@lab"
	})
	gone := waiting("")
	gone.Triggers = nil
	why := []string{"no trigger of a loaded playbook wants it"}
	differs(t, []schedules.Change{{ID: id, Change: schedules.Stale, Why: why}}, d.apply(t, gone, nil))
	if done := d.apply(t, gone, func(a *schedules.Apply) { a.Playbooks = []string{"another"} }); len(done) != 0 {
		t.Fatalf("another playbook's apply looks at it: %+v", done)
	}
	if done := d.apply(t, gone, func(a *schedules.Apply) { a.Cluster, a.Prune = "elsewhere", true }); len(done) != 0 {
		t.Fatalf("another cluster's apply looks at it: %+v", done)
	}
	differs(t, []schedules.Change{{ID: id, Change: schedules.Removed, Why: why}}, d.apply(t, gone, func(a *schedules.Apply) { a.Prune = true }))
	if _, err := d.Get(t.Context(), id); !errors.Is(err, schedules.ErrNotFound) {
		t.Fatalf("it is still there: %v", err)
	}
}
