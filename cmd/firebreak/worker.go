package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/triggers/receiver"
	"github.com/firebreak-ir/firebreak/worker"
)

type workerFlags struct {
	roles       []string
	kubeconfig  string
	kubeContext string
	health      string
	deployment  string
	build       string
	drain       time.Duration
	log         logFlag
}

func workerCommand(a *app) *cobra.Command {
	var f workerFlags
	c := &cobra.Command{
		Use:     "worker",
		Short:   "Run cases: the interpreter of playbooks and the activities",
		GroupID: "serve",
		Long: `Takes work from Temporal until it is stopped; then it takes no more, and activities in flight may finish or save how
far they are. Killing it loses nothing: another worker, or the next start of this one, goes on.

The roles are interpreter (runs playbooks, needs no credentials but Temporal's), cluster (activities with the
cluster's and the account's credentials) and analysis (heavy reading, no credentials of the cluster). One process
plays all of them unless told otherwise.`,
		Example: `  firebreak worker
  firebreak worker --role cluster --health :9090
  KUBECONFIG=prod.yaml AWS_PROFILE=prod firebreak worker --config prod-firebreak.yaml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.work(c.Context(), f) },
	}
	c.Flags().StringSliceVar(&f.roles, "role", nil, "roles to play: interpreter, cluster, analysis (default all)")
	c.Flags().StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig file (default as kubectl finds it)")
	c.Flags().StringVar(&f.kubeContext, "context", "", "context of the kubeconfig")
	c.Flags().StringVar(&f.health, "health", "", "address to serve /healthz and /readyz on (default none)")
	c.Flags().DurationVar(&f.drain, "drain", 20*time.Second, "how long activities in flight may go on when stopping")
	c.Flags().StringVar(&f.deployment, "deployment", "", "name of the worker deployment (default deployment.name; empty: without versions)")
	c.Flags().StringVar(&f.build, "build", "", "build of the deployment that this worker is (default deployment.build, then the version)")
	f.log.flag(c)
	_ = c.RegisterFlagCompletionFunc("role", cobra.FixedCompletions(roleNames(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func roleNames() []string {
	var names []string
	for _, r := range worker.Roles() {
		names = append(names, string(r))
	}
	return names
}

func (a *app) work(ctx context.Context, f workerFlags) error {
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	log := f.log.logger(a.stderr)
	return a.connected(cfg, log, func(d desk) error {
		w, err := a.newWorker(d, f, log)
		if err != nil {
			return err
		}
		stop, err := serveHealth(ctx, f.health, d, log)
		if err != nil {
			return err
		}
		err = w.Run(ctx)
		log.Info("stopped")
		return errors.Join(err, stop())
	})
}

func (a *app) newWorker(d desk, f workerFlags, log *slog.Logger) (*worker.Worker, error) {
	targets, err := a.targets(d.config, log)
	if err != nil {
		return nil, err
	}
	sealing, err := a.sealing(d.config.Seal)
	if err != nil {
		return nil, err
	}
	deps, err := worker.Wire(worker.Settings{
		Evidence: d.config.Evidence, Tracker: d.config.Tracker, DockerExplorer: d.config.DockerExplorer,
		Kubeconfig: f.kubeconfig, KubeContext: f.kubeContext, Prometheus: prometheusOf(d.config), ProbeImage: d.config.ProbeImage,
		Notify: targets, Sealing: sealing,
	}, d.Cases)
	if err != nil {
		return nil, err
	}
	var roles []worker.Role
	for _, r := range f.roles {
		roles = append(roles, worker.Role(r))
	}
	build, err := a.deployed(d.config, f)
	if err != nil {
		return nil, err
	}
	w, err := worker.New(worker.Config{
		Client: d.Client(), Namespace: d.namespace, Cluster: d.config.Cluster, Catalog: all.Catalog(deps),
		Converter: d.converter, Build: build, Roles: roles, Log: log, Drain: f.drain,
	})
	if err != nil {
		return nil, usage(err)
	}
	log.Info("starting", "version", a.build().Version, "activities", len(all.List(deps)), "evidence", d.config.Evidence,
		"tracker", d.config.Tracker)
	return w, nil
}

// serveHealth answers an orchestrator's probes. The function it gives waits until the listener is closed.
func serveHealth(ctx context.Context, address string, d desk, log *slog.Logger) (func() error, error) {
	if address == "" {
		return func() error { return nil }, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("health listener: %w", err)
	}
	log.Info("listening for probes", "address", listener.Addr().String())
	inner, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- receiver.Serve(inner, listener, probes(d), time.Second, log) }()
	return func() error {
		cancel()
		return <-ended
	}, nil
}

func probes(d desk) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+receiver.HealthPath, func(w http.ResponseWriter, _ *http.Request) {
		probed(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET "+receiver.ReadyPath, func(w http.ResponseWriter, r *http.Request) {
		if d.Check(r.Context()) != nil {
			probed(w, http.StatusServiceUnavailable, "Temporal cannot be reached")
			return
		}
		probed(w, http.StatusOK, "ready")
	})
	return mux
}

func probed(w http.ResponseWriter, code int, status string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": status}) // the prober is gone
}
