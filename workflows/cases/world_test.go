package cases_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/evidence"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/internal/labenv"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/worker"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// world is a namespace of its own on the lab's Temporal, with one worker and activities that act on a list in memory.
type world struct {
	*cases.Cases

	t         *testing.T
	cluster   string
	namespace string
	address   string
	store     *custody.Store
	more      []activities.Definition // beside the world's own
	converter converter.DataConverter // of the client and the worker; nil: the standard one
	build     worker.Build            // of the worker
	instead   *activities.Catalog     // of the world's own activities; nil: these

	mu      sync.Mutex
	granted bool
	done    []string // what was changed and not undone
}

func newWorld(t *testing.T) *world {
	t.Helper()
	lab := labenv.Load(t)
	store, err := custody.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, cluster: "lab", address: lab.Temporal.Address, store: store,
		namespace: fmt.Sprintf("cases-%d-%d", os.Getpid(), time.Now().UnixNano()),
	}
	w.register()
	w.dial(nil)
	return w
}

// dial connects, with another converter perhaps; a worker that runs keeps the one it has.
func (w *world) dial(d converter.DataConverter) {
	w.t.Helper()
	c, err := cases.Dial(cases.Options{Address: w.address, Namespace: w.namespace, DataConverter: d})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	w.Cases, w.converter = c, d
}

// register makes the namespace: a server that has never heard of Firebreak's search attributes.
func (w *world) register() {
	w.t.Helper()
	n, err := client.NewNamespaceClient(client.Options{HostPort: w.address})
	if err != nil {
		w.t.Fatal(err)
	}
	defer n.Close()
	err = n.Register(w.t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: w.namespace, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	var there *serviceerror.NamespaceAlreadyExists
	if err != nil && !errors.As(err, &there) {
		w.t.Fatal(err)
	}
}

// works runs a worker until the test ends or stop is called.
func (w *world) works() (stop func()) {
	w.t.Helper()
	worker, err := worker.New(worker.Config{
		Client: w.Client(), Namespace: w.namespace, Cluster: w.cluster, Catalog: w.catalog(), Converter: w.converter, Build: w.build,
		Log: slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), Drain: 5 * time.Second,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- worker.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-end; err != nil {
			w.t.Errorf("worker: %v", err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

type markIn struct {
	Name string `json:"name" doc:"What is marked"`
}

type markOut struct {
	activities.Result
}

func (w *world) catalog() activities.Catalog {
	if w.instead != nil {
		return *w.instead
	}
	return activities.NewCatalog(append(w.more,
		activities.Define(activities.Activity[markIn, markOut]{
			Name: "test.mark", Effect: activities.Change, Place: activities.OnCluster, Run: w.mark, Undo: w.unmark,
		}),
		activities.Define(activities.Activity[markIn, markOut]{
			Name: "test.guarded", Effect: activities.Change, Place: activities.OnCluster, Run: w.guarded, Undo: w.unmark,
		}),
		activities.Define(activities.Activity[markIn, markOut]{
			Name: "test.slow", Effect: activities.Capture, Place: activities.OnAnalysis, Run: w.slow,
		}),
		activities.Define(activities.Activity[markIn, markOut]{
			Name: "test.long", Effect: activities.Capture, Place: activities.OnAnalysis, Run: w.long,
		}),
		evidence.Seal(w.store, custody.Sealing{}), evidence.NoteUndo(w.store), evidence.ExportHistory(w.store, w.Cases),
	)...)
}

func (w *world) mark(_ context.Context, call activities.Call, in markIn) (markOut, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = append(w.done, in.Name)
	return markOut{activities.Result{Status: activities.Done, Summary: "marked " + in.Name}}, nil
}

func (w *world) guarded(ctx context.Context, call activities.Call, in markIn) (markOut, error) {
	w.mu.Lock()
	granted := w.granted
	w.mu.Unlock()
	if !granted {
		return markOut{}, activities.Permanent(activities.Forbidden, errors.New("marks are forbidden"), "grant marks to the worker")
	}
	return w.mark(ctx, call, in)
}

func (w *world) unmark(_ context.Context, _ activities.Call, in markIn, _ markOut) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, name := range w.done {
		if name == in.Name {
			w.done = append(w.done[:i], w.done[i+1:]...)
			return nil
		}
	}
	return nil
}

func (w *world) slow(ctx context.Context, _ activities.Call, in markIn) (markOut, error) {
	return w.capture(ctx, in, 40)
}

// long takes a minute.
func (w *world) long(ctx context.Context, _ activities.Call, in markIn) (markOut, error) {
	return w.capture(ctx, in, 1200)
}

func (w *world) capture(ctx context.Context, in markIn, blocks int) (markOut, error) {
	for i := range blocks {
		activities.Report(ctx, activities.Progress{Done: int64(i), Total: int64(blocks), Unit: "blocks"})
		select {
		case <-ctx.Done():
			return markOut{}, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return markOut{activities.Result{Status: activities.Done, Summary: "captured " + in.Name}}, nil
}

func (w *world) marks() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string{}, w.done...)
}

func use(id, activity string, place activities.Place, effect activities.Effect) plan.Step {
	return plan.Step{ID: id, Path: id, Phase: "contain", OnError: plan.Hold, Uses: &plan.Uses{
		Activity: activity, Effect: effect, Place: place, Undoable: effect == activities.Change, Timeout: time.Minute,
		With:  plan.Value{Map: []plan.Entry{{Key: "name", Value: plan.Value{Literal: id}}}},
		Retry: plan.Retry{Attempts: 3, Initial: 10 * time.Millisecond, Backoff: 1, Max: time.Second},
	}}
}

func mark(id string) plan.Step { return use(id, "test.mark", activities.OnCluster, activities.Change) }
func guarded(id string) plan.Step {
	return use(id, "test.guarded", activities.OnCluster, activities.Change)
}
func slow(id string) plan.Step {
	return use(id, "test.slow", activities.OnAnalysis, activities.Capture)
}

func long(id string) plan.Step {
	return use(id, "test.long", activities.OnAnalysis, activities.Capture)
}

// closing is what every shipped playbook does in the end.
func closing() []plan.Step {
	history := use("history", "evidence.export_history", activities.OnAnalysis, activities.Capture)
	history.Uses.With = plan.Value{Map: []plan.Entry{
		{Key: "workflow", Value: plan.Value{Expr: &plan.Expr{Source: "run.workflow"}}},
		{Key: "run", Value: plan.Value{Expr: &plan.Expr{Source: "run.record.run"}}},
	}}
	seal := use("seal", "evidence.seal", activities.OnAnalysis, activities.Capture)
	seal.Uses.With = plan.Value{}
	return []plan.Step{history, seal}
}

func input(cluster string, steps ...plan.Step) workflows.Input {
	return workflows.Input{
		Plan: plan.Plan{Name: "test", Version: "1.0.0", Hash: "h", Steps: steps, Finally: closing()}, Cluster: cluster,
		Alert: plan.Alert{
			Rule: "Terminal shell in container", Priority: "Critical", Time: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
			Target: plan.Target{Namespace: "shop", Pod: "web-7d9f|[x](javascript:1)"},
			Fields: map[string]any{"evt.time": json.Number("1764068400000000001")},
		},
	}
}

func (w *world) start(key string, steps ...plan.Step) cases.Case {
	w.t.Helper()
	started, err := w.Start(w.t.Context(), plan.WorkflowID("test", key), input(w.cluster, steps...))
	if err != nil {
		w.t.Fatal(err)
	}
	return cases.Case{ID: started.Case, Workflow: started.Workflow, Run: started.Run, Cluster: w.cluster}
}

// until waits for a state of the case.
func (w *world) until(of cases.Case, what string, is func(cases.View) bool) cases.View {
	w.t.Helper()
	ctx, done := context.WithTimeout(w.t.Context(), 4*time.Minute) // machines are shared
	defer done()
	found := errors.New("found")
	view, err := w.Watch(ctx, of, 50*time.Millisecond, func(v cases.View) error {
		if v.Problem == "" && is(v) {
			return found
		}
		return nil
	})
	if !errors.Is(err, found) && !is(view) {
		w.t.Fatalf("the case never was %s: %v\n%+v", what, err, view)
	}
	return view
}

func held(v cases.View) bool { return v.Status == workflows.Held }

func closed(v cases.View) bool { return v.Status != workflows.Running && v.Status != workflows.Held }
