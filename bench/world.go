package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/worker"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// world is a namespace of its own on a Temporal, with one worker whose activities do nothing.
type world struct {
	*cases.Cases

	store     string
	namespace string
	stop      []func()
}

type nothingIn struct {
	N int `json:"n" doc:"Number"`
}

type nothingOut struct {
	activities.Result
}

func catalog() activities.Catalog {
	return activities.NewCatalog(activities.Define(activities.Activity[nothingIn, nothingOut]{
		Name: "bench.nothing", Summary: "Does nothing.", Effect: activities.Read, Place: activities.OnAnalysis, Timeout: time.Minute,
		Run: func(context.Context, activities.Call, nothingIn) (nothingOut, error) {
			return nothingOut{activities.Result{Status: activities.Done, Summary: "did nothing"}}, nil
		},
	}))
}

func newWorld(ctx context.Context, address string) (*world, error) {
	w := &world{namespace: fmt.Sprintf("bench-%d", time.Now().UnixNano())}
	if err := register(ctx, address, w.namespace); err != nil {
		return nil, err
	}
	var err error
	if w.Cases, err = cases.Dial(cases.Options{Address: address, Namespace: w.namespace}); err != nil {
		return nil, err
	}
	return w, errors.Join(w.works(ctx), w.handWorks())
}

func register(ctx context.Context, address, namespace string) error {
	n, err := client.NewNamespaceClient(client.Options{HostPort: address})
	if err != nil {
		return err
	}
	defer n.Close()
	err = n.Register(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	var there *serviceerror.NamespaceAlreadyExists
	if errors.As(err, &there) {
		return nil
	}
	return err
}

// works runs the product's own worker.
func (w *world) works(ctx context.Context) error {
	one, err := worker.New(worker.Config{
		Client: w.Client(), Namespace: w.namespace, Cluster: "bench", Catalog: catalog(),
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Drain: time.Second,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- one.Run(ctx) }()
	w.stop = append(w.stop, func() {
		cancel()
		if err := <-done; err != nil {
			slog.Error("the worker ended badly", "error", err)
		}
	})
	return nil
}

// handQueue is where the job that is written by hand runs, with a worker of the same settings.
// Its activities have a queue of their own, as those of a playbook have: the interpreter holds no credentials.
const (
	handQueue      = "by-hand"
	handActivities = "by-hand-activities"
)

func (w *world) handWorks() error {
	one := sdkworker.New(w.Client(), handQueue, sdkworker.Options{})
	one.RegisterWorkflowWithOptions(byHand, workflow.RegisterOptions{Name: "ByHand"})
	two := sdkworker.New(w.Client(), handActivities, sdkworker.Options{DisableWorkflowWorker: true, MaxConcurrentActivityExecutionSize: 4})
	two.RegisterActivity(Nothing)
	w.stop = append(w.stop, one.Stop, two.Stop)
	return errors.Join(one.Start(), two.Start())
}

func (w *world) close() {
	for _, stop := range w.stop {
		stop()
	}
	w.Close()
}

// bytesOf gives the size of a run's history as the server counts it, and the number of its events.
func (w *world) bytesOf(ctx context.Context, workflowID string) (size, events int64, err error) {
	info, err := w.Client().DescribeWorkflowExecution(ctx, workflowID, "")
	if err != nil {
		return 0, 0, err
	}
	of := info.GetWorkflowExecutionInfo()
	return of.GetHistorySizeBytes(), of.GetHistoryLength(), nil
}
