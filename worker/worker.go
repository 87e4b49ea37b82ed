// Package worker joins a Temporal client, the interpreter and the catalog of activities: it runs cases. What happens
// around every activity stands here once.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// Role is one of the three kinds of work, each with a task queue of its own.
type Role string

// The roles. One process may play all of them; a worker without the role `cluster` needs no cluster's credentials.
const (
	Interpreter Role = "interpreter"
	Cluster     Role = "cluster"
	Analysis    Role = "analysis"
)

// Roles are all roles, in the order in which they start and, backwards, stop.
func Roles() []Role { return []Role{Interpreter, Cluster, Analysis} }

// Config is what a worker needs.
type Config struct {
	Client    client.Client
	Namespace string // of the client, for the search attributes
	Cluster   string // name of the cluster whose activities it runs
	Catalog   activities.Catalog
	Roles     []Role                  // empty: all
	Converter converter.DataConverter // of the client; nil: the standard one
	Build     Build                   // of the interpreter; zero: without versions
	Log       *slog.Logger
	Drain     time.Duration // how long activities in flight may go on after the stop; zero: 20 s
}

// Worker polls the task queues of its roles.
type Worker struct {
	config  Config
	workers []worker.Worker
	fatal   chan error

	lookAgain, forgotten time.Duration // shorter in tests
}

// New prepares a worker; it does not ask Temporal anything.
func New(c Config) (*Worker, error) {
	if c.Drain == 0 {
		c.Drain = 20 * time.Second
	}
	if len(c.Roles) == 0 {
		c.Roles = Roles()
	}
	w := &Worker{config: c, fatal: make(chan error, len(Roles())), lookAgain: lookAgain, forgotten: forgotten}
	for _, role := range c.Roles {
		if !slices.Contains(Roles(), role) {
			return nil, fmt.Errorf("unknown role %q; the roles are %q", role, Roles())
		}
		if role == Cluster && c.Cluster == "" {
			return nil, errors.New("the role cluster needs the cluster's name")
		}
		w.workers = append(w.workers, w.prepare(role))
	}
	return w, nil
}

func (w *Worker) prepare(role Role) worker.Worker {
	switch role {
	case Cluster:
		one := worker.New(w.config.Client, workflows.ClusterQueue(w.config.Cluster), w.activityOptions(32))
		registerAll(one, w.config.Catalog, activities.OnCluster)
		return one
	case Analysis:
		one := worker.New(w.config.Client, workflows.AnalysisQueue, w.activityOptions(4))
		registerAll(one, w.config.Catalog, activities.OnAnalysis)
		return one
	case Interpreter:
	}
	one := worker.New(w.config.Client, workflows.Queue, w.interpreterOptions())
	registerEngine(one, cases.New(w.config.Client).Decoding(w.config.Converter))
	return one
}

func (w *Worker) interpreterOptions() worker.Options {
	return worker.Options{
		DeadlockDetectionTimeout:    10 * time.Second,
		Interceptors:                []interceptor.WorkerInterceptor{&around{log: w.config.Log}}, // of the engine's own activities
		DisableRegistrationAliasing: true,
		WorkerStopTimeout:           w.config.Drain,
		OnFatalError:                w.fail,
		DeploymentOptions:           w.config.Build.options(),
	}
}

func (w *Worker) activityOptions(together int) worker.Options {
	return worker.Options{
		DisableWorkflowWorker:              true,
		DisableRegistrationAliasing:        true,
		MaxConcurrentActivityExecutionSize: together,
		MaxHeartbeatThrottleInterval:       2 * time.Second, // progress is watched
		DefaultHeartbeatThrottleInterval:   2 * time.Second,
		WorkerStopTimeout:                  w.config.Drain,
		OnFatalError:                       w.fail,
		Interceptors:                       []interceptor.WorkerInterceptor{&around{log: w.config.Log}},
	}
}

func (w *Worker) fail(err error) { w.fatal <- err }

// Run works until ctx ends, then takes no new task and lets those in flight end within Drain. A Temporal that is not
// there yet is waited for.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.ready(ctx); err != nil {
		return ignoreStop(ctx, err)
	}
	for i, one := range w.workers {
		if err := one.Start(); err != nil {
			stopAll(w.workers[:i])
			return fmt.Errorf("start worker for role %q: %w", w.config.Roles[i], err)
		}
	}
	w.config.Log.Info("worker runs", "roles", w.config.Roles, "cluster", w.config.Cluster, "namespace", w.config.Namespace)
	defer stopAll(w.workers)
	if err := w.first(ctx); err != nil {
		return ignoreStop(ctx, err)
	}
	looking, done := context.WithCancel(ctx)
	defer done()
	go w.heed(looking)
	select {
	case err := <-w.fatal:
		return fmt.Errorf("worker: %w", err)
	case <-ctx.Done():
		w.config.Log.Info("worker stops", "drain", w.config.Drain)
		return nil
	}
}

// ready waits for Temporal and sees to the search attributes, without which no case can start.
func (w *Worker) ready(ctx context.Context) error {
	for wait := time.Second; ; wait = min(2*wait, 15*time.Second) {
		err := w.check(ctx)
		if err == nil || ctx.Err() != nil || !retryable(err) {
			return err
		}
		w.config.Log.Warn("Temporal is not ready; waiting", "error", err, "again in", wait)
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

func (w *Worker) check(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, 20*time.Second)
	defer done()
	if _, err := w.config.Client.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("reach Temporal: %w", err)
	}
	if !slices.Contains(w.config.Roles, Interpreter) {
		return nil
	}
	return ensureAttributes(ctx, w.config.Client, w.config.Namespace)
}

func stopAll(workers []worker.Worker) {
	for _, one := range slices.Backward(workers) {
		one.Stop()
	}
}

func ignoreStop(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // somebody asked for the end: what it interrupted is no failure
	}
	return err
}

// retryable tells a Temporal that is not there yet from one that refuses.
func retryable(err error) bool {
	var down *serviceerror.Unavailable
	var late *serviceerror.DeadlineExceeded
	var namespace *serviceerror.NamespaceNotFound
	return errors.As(err, &down) || errors.As(err, &late) || errors.As(err, &namespace) ||
		errors.Is(err, context.DeadlineExceeded)
}
