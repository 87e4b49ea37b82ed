package cases_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// cluster is what the fakes of the cluster's activities say.
type clusterFakes struct {
	mu    sync.Mutex
	found []workflows.Isolated
}

type anything struct {
	Targets []map[string]any `json:"targets,omitempty" doc:"Targets"`
}

type descriptions struct {
	Targets []description `json:"targets" doc:"Targets"`
	Nodes   int           `json:"nodes" doc:"Nodes"`
}

type description struct {
	Exists bool              `json:"exists" doc:"Whether it exists"`
	Labels map[string]string `json:"labels" doc:"Its labels"`
}

type foundOut struct {
	Found []workflows.Isolated `json:"found" doc:"What stands"`
}

// activities gives fakes that find every target marked for drills.
func (f *clusterFakes) activities() []activities.Definition {
	return []activities.Definition{
		activities.Define(activities.Activity[anything, descriptions]{
			Name: workflows.DescribeTargets, Effect: activities.Read, Place: activities.OnCluster,
			Run: func(_ context.Context, _ activities.Call, in anything) (descriptions, error) {
				out := descriptions{Nodes: 10}
				for range in.Targets {
					out.Targets = append(out.Targets, description{true, map[string]string{workflows.DrillLabel: "true"}})
				}
				return out, nil
			},
		}),
		activities.Define(activities.Activity[anything, foundOut]{
			Name: workflows.FindIsolated, Effect: activities.Read, Place: activities.OnCluster,
			Run: func(context.Context, activities.Call, anything) (foundOut, error) {
				f.mu.Lock()
				defer f.mu.Unlock()
				return foundOut{f.found}, nil
			},
		}),
	}
}

// TestGuardsOnTemporal asks a real Temporal what the guards ask: about other cases, their locks and whether they run.
func TestGuardsOnTemporal(t *testing.T) {
	w := newWorld(t)
	fakes := &clusterFakes{}
	w.more = fakes.activities()
	w.works()
	t.Run("a lock is one case's at a time", w.contend)
	t.Run("a lock says since when it is held", w.since)
	t.Run("a rate counts cases that changed something", w.rates)
	t.Run("a rate holds for cases that begin together", w.storms)
	t.Run("a rate counts runs that say they are no drill", w.unmarked)
	t.Run("drills are scored", w.drills)
	t.Run("a sweep finds orphans", func(t *testing.T) { w.sweeps(t, fakes) })
}

func (w *world) onNode(mode plan.Mode, steps ...plan.Step) workflows.Input {
	in := input(w.cluster, steps...)
	in.Plan.Name, in.Mode = "locked", mode
	in.Plan.Guards = &plan.Guards{Lock: &plan.Value{Text: []plan.Part{{Words: "node/n1"}}}}
	return in
}

func (w *world) open(t *testing.T, key string, in workflows.Input) cases.Case {
	t.Helper()
	started, err := w.Start(t.Context(), plan.WorkflowID(in.Plan.Name, key), in)
	if err != nil {
		t.Fatal(err)
	}
	return cases.Case{ID: started.Case, Workflow: started.Workflow, Run: started.Run, Cluster: w.cluster}
}

func (w *world) contend(t *testing.T) {
	first := w.open(t, "first", w.onNode(plan.Live, mark("a"), guarded("gate")))
	w.until(first, "held", held)
	second := w.open(t, "second", w.onNode(plan.Live, mark("a")))
	view := w.until(second, "held by the lock", held)
	if h := view.Holds[0]; h.Kind != string(activities.GuardTripped) || !strings.Contains(h.Error, "node/n1 is held by case "+first.ID) {
		t.Fatalf("%+v", h)
	}
	drill := w.onNode(plan.Drill, mark("a"))
	drill.Plan.Steps[0].Uses.Targets = []plan.TargetField{{Field: "name", Kind: "Pod"}}
	if view := w.until(w.open(t, "drill", drill), "through, as a drill", closed); view.Status != workflows.Completed {
		t.Fatalf("the drill is %s: %+v", view.Status, view.Guards)
	}
	w.terminate(t, first) // it gives nothing back
	if err := w.Decide(t.Context(), second, workflows.Decision{Path: "a", Action: workflows.RetryStep, By: "ann"}); err != nil {
		t.Fatal(err)
	}
	if view := w.until(second, "through", closed); view.Status != workflows.Completed || len(view.Guards) != 2 {
		t.Fatalf("the second case is %s: %+v", view.Status, view.Guards)
	}
	third := w.open(t, "third", w.onNode(plan.Live, mark("a")))
	if view := w.until(third, "through", closed); view.Status != workflows.Completed {
		t.Fatalf("the third case is %s: %+v", view.Status, view.Guards)
	}
}

// since: a lock's own workflow may be in a later run, which began after the case had taken the lock.
func (w *world) since(t *testing.T) {
	taken := time.Now().Add(-2 * time.Hour).UTC().Truncate(time.Millisecond)
	take := func(holder string, at time.Time) workflows.LockOut {
		out, err := w.TakeLock(t.Context(), workflows.LockInput{
			Workflow: workflows.LockID(w.cluster, "node/old", false), Name: "node/old", Cluster: w.cluster, Playbook: "locked",
			Holder: workflows.Holder{Case: holder, Workflow: holder}, Since: at,
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := take("mine", taken); !out.Taken {
		t.Fatalf("%+v", out)
	}
	if out := take("other", time.Now()); out.Taken || out.Case != "mine" || !out.Since.Equal(taken) {
		t.Fatalf("%+v", out)
	}
}

func (w *world) terminate(t *testing.T, of cases.Case) {
	t.Helper()
	if err := w.Client().TerminateWorkflow(t.Context(), of.Workflow, "", "a test"); err != nil {
		t.Fatal(err)
	}
}

func (w *world) rates(t *testing.T) {
	in := input(w.cluster, mark("a"))
	in.Plan.Name = "rated"
	in.Plan.Guards = &plan.Guards{Rate: &plan.Rate{Runs: 2, Per: time.Hour, Scope: "playbook"}}
	dry := in
	dry.DryRun = true
	w.until(w.open(t, "dry", dry), "through", closed)
	for i := range 2 {
		view := w.until(w.open(t, fmt.Sprint(i), in), "through", closed)
		if got := view.Guards[0].Runs; got != fmt.Sprintf("%d of 2", i+1) || view.Status != workflows.Completed {
			t.Fatalf("run %d: %s, %+v", i, view.Status, view.Guards)
		}
		w.listed(t, view.Case)
	}
	view := w.until(w.open(t, "third", in), "held", held)
	if h := view.Holds[0]; !strings.Contains(h.Error, "3 runs of playbook rated") {
		t.Fatalf("%+v", h)
	}
}

// storms: twenty cases of different alerts come in the same moment.
func (w *world) storms(t *testing.T) {
	in := input(w.cluster, mark("a"))
	in.Plan.Name = "stormed"
	in.Plan.Steps[0].OnError = plan.Fail
	in.Plan.Guards = &plan.Guards{Rate: &plan.Rate{Runs: 3, Per: time.Hour, Scope: "playbook"}}
	var all []cases.Case
	for i := range 20 {
		all = append(all, w.open(t, fmt.Sprint(i), in))
	}
	through := 0
	for _, one := range all {
		if w.until(one, "through", closed).Status == workflows.Completed {
			through++
		}
	}
	if through != 3 {
		t.Fatalf("%d cases changed something", through)
	}
}

// unmarked: schedules that were applied by older programs give their live runs the mark false.
func (w *world) unmarked(t *testing.T) {
	in := input(w.cluster, mark("a"))
	in.Plan.Name, in.Dates = "marked-false", true
	run, err := w.Client().ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: plan.WorkflowID(in.Plan.Name, "1"), TaskQueue: workflows.Queue, TypedSearchAttributes: temporal.NewSearchAttributes(
			temporal.NewSearchAttributeKeyBool(workflows.DrillAttribute).ValueSet(false)),
	}, workflows.CaseWorkflow, in)
	if err != nil {
		t.Fatal(err)
	}
	view := w.until(cases.Case{ID: workflows.CaseID(run.GetID(), run.GetRunID()), Workflow: run.GetID(), Run: run.GetRunID()}, "through", closed)
	w.listed(t, view.Case)
	for drill, want := range map[bool]int{false: 1, true: 0} {
		out, err := w.RecentRuns(t.Context(), workflows.RecentRunsIn{Cluster: w.cluster, Playbook: in.Plan.Name, Drill: drill, Since: time.Now().Add(-time.Hour)})
		if err != nil || out.Runs != want {
			t.Errorf("drills %t: %d runs, %v", drill, out.Runs, err)
		}
	}
}

// listed waits until the lists know that the case has ended.
func (w *world) listed(t *testing.T, id string) {
	t.Helper()
	for range 100 {
		list, err := w.List(t.Context(), cases.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			if c.ID == id && !c.Open() {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("case %s is in no list", id)
}

func (w *world) drills(t *testing.T) {
	in := input(w.cluster, mark("a"), mark("b"))
	in.Plan.Name, in.Mode = "drilled", plan.Drill
	in.Plan.SLO = []plan.Objective{{Phase: "contain", Within: time.Minute}, {Phase: "preserve", Within: time.Hour}}
	for i := range in.Plan.Steps {
		in.Plan.Steps[i].Uses.Targets = []plan.TargetField{{Field: "name", Kind: "Pod"}}
	}
	for i := range 2 {
		view := w.until(w.open(t, fmt.Sprint(i), in), "through", closed)
		w.listed(t, view.Case)
	}
	bad := in
	bad.Plan.Steps = []plan.Step{mark("a")} // names no target: fenced off
	bad.Plan.Steps[0].OnError = plan.Fail
	w.listed(t, w.until(w.open(t, "bad", bad), "failed", closed).Case)
	list, err := w.Drills(t.Context(), cases.DrillFilter{Playbook: "drilled"})
	if err != nil || len(list) != 3 {
		t.Fatalf("%v, %+v", err, list)
	}
	if o := list[0].Objectives; list[0].Status != workflows.Failed || len(o) != 2 || o[0].Met {
		t.Fatalf("the drill that was fenced off: %+v", list[0])
	}
	if o := list[1].Objectives; !list[1].Drill || !o[0].Met || o[0].Took <= 0 || o[1].Status != activities.ObjectiveVoid {
		t.Fatalf("%+v", list[1])
	}
	trends := cases.Trends(list)
	if len(trends) != 2 || trends[0].Met != 2 || trends[0].Missed != 1 || len(trends[0].Took) != 2 {
		t.Fatalf("%+v", trends)
	}
}

func (w *world) sweeps(t *testing.T, fakes *clusterFakes) {
	open := w.open(t, "swept-open", w.named("swept", guarded("gate")))
	w.until(open, "held", held)
	gone := w.open(t, "swept-gone", w.named("swept", guarded("gate")))
	w.until(gone, "held", held)
	w.terminate(t, gone)
	pod := func(id string) workflows.Isolated {
		return workflows.Isolated{Kind: "Pod", Namespace: "shop", Name: "web-0", Mark: "isolated", Case: id}
	}
	fakes.mu.Lock()
	fakes.found = []workflows.Isolated{pod(open.ID), pod(gone.ID), pod("never-there.12345678")}
	fakes.mu.Unlock()
	got, err := w.Sweep(t.Context(), w.cluster)
	if err != nil {
		t.Fatal(err)
	}
	want := workflows.SweepResult{Cluster: w.cluster, Found: 3, Orphans: []workflows.Orphan{
		{Isolated: pod(gone.ID), Standing: cases.CaseClosed}, {Isolated: pod("never-there.12345678"), Standing: cases.CaseUnknown},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if _, err := w.Sweep(t.Context(), "elsewhere"); err == nil || !strings.Contains(err.Error(), `nobody polls the queue "firebreak-elsewhere"`) {
		t.Fatalf("a sweep without a worker: %v", err)
	}
}

func (w *world) named(name string, steps ...plan.Step) workflows.Input {
	in := input(w.cluster, steps...)
	in.Plan.Name = name
	return in
}

func TestTrendsGoFromTheOldestDrill(t *testing.T) {
	drill := func(playbook, status string, took float64) cases.Drill {
		d := cases.Drill{Case: cases.Case{Playbook: playbook, Cluster: "lab"}}
		if status != "" {
			d.Objectives = []activities.Objective{{Phase: "contain", Within: 120, Took: took, Met: status == "met", Status: status}}
		}
		return d
	}
	got := cases.Trends([]cases.Drill{
		drill("a", "met", 115), drill("b", "missed", 0), drill("a", "", 0), drill("a", "void", 0), drill("a", "missed", 130),
	})
	want := []cases.Trend{
		{Playbook: "a", Cluster: "lab", Phase: "contain", Within: 120, Took: []float64{130, 115}, Met: 1, Missed: 1},
		{Playbook: "b", Cluster: "lab", Phase: "contain", Within: 120, Took: []float64{}, Missed: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}
