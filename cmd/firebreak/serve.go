package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/triggers"
	"github.com/firebreak-ir/firebreak/triggers/receiver"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/authority"
)

type serveFlags struct {
	listen           string
	tokenFile        string
	insecureLoopback bool
	drain            time.Duration
	log              logFlag
}

func serveCommand(a *app) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:     "serve",
		Short:   "Receive alerts over HTTP and start the playbooks that they trigger",
		GroupID: "serve",
		Long: `Receives alerts as falcosidekick's webhook sends them on POST /v1/falco, Alertmanager's groups on POST /v1/alertmanager, and
CloudEvents 1.0 (structured or binary) on POST /v1/cloudevents. The durable runs are started first, and only then is 202
answered with the cases' ids; where Temporal cannot be reached the answer is 503. Also served: /healthz, /readyz and /metrics.

With receiver.signingKey people decide over it, under /cases/: whoever proves to be somebody, with an ID token (oidc), a token of
firebreak token or a link that was sent to them, decides in their own name alone. See docs/approvals.md.

It needs a bearer token or, with TLS, a client CA. Without either it starts only on loopback, with
--insecure-loopback.`,
		Example: `  firebreak serve --config /etc/firebreak/firebreak.yaml
  FIREBREAK_TOKEN=$(openssl rand -hex 32) firebreak serve --listen 127.0.0.1:8088`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serve(c.Context(), f) },
	}
	c.Flags().StringVar(&f.listen, "listen", "", "address to listen on (default receiver.listen)")
	c.Flags().StringVar(&f.tokenFile, "token-file", "", "file with the bearer token (default receiver.token)")
	c.Flags().BoolVar(&f.insecureLoopback, "insecure-loopback", false, "take alerts from anybody on this machine, without a token")
	c.Flags().DurationVar(&f.drain, "drain", 20*time.Second, "how long requests in flight may take to finish when stopping")
	f.log.flag(c)
	return c
}

func (a *app) serve(ctx context.Context, f serveFlags) error {
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	plans, err := a.loaded(cfg)
	if err != nil {
		return err
	}
	people, err := a.authority(cfg)
	if err != nil {
		return err
	}
	router, err := triggers.NewRouter(plans, plan.NewEvaluator())
	if err != nil {
		return wrong(err)
	}
	log := f.log.logger(a.stderr)
	listener, token, err := a.open(ctx, cfg, f, log)
	if err != nil {
		return err
	}
	key, err := cfg.Receiver.Private(a.env)
	if err != nil {
		return errors.Join(wrong(err), listener.Close())
	}
	return a.connected(cfg, log, func(d desk) error {
		deciding, err := a.deciding(d, key, log)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		a.announce(log, cfg, plans, listener.Addr())
		handler := receiver.New(receiver.Options{
			Cluster: cfg.Cluster, Router: router, Starter: starter{d, people}, Ready: d.Check, Token: token, Timeout: opening, Log: log, Now: a.now,
			Decisions: deciding,
		})
		err = receiver.Serve(ctx, listener, handler, f.drain, log)
		log.Info("stopped")
		return err
	})
}

// starter opens the cases that alerts trigger, with the inputs that the configuration gives.
type starter struct {
	desk

	people *authority.Authority
}

// Start is triggers.Starter's.
func (s starter) Start(ctx context.Context, t triggers.Start) (triggers.Case, error) {
	inputs, err := plan.CheckInputs(t.Plan, s.config.Inputs[t.Plan.Name])
	if err != nil {
		return triggers.Case{}, err
	}
	started, err := s.desk.Start(ctx, t.Workflow, workflows.Input{
		Plan: t.Plan, Alert: t.Alert, Trigger: t.Trigger, Inputs: inputs, Cluster: s.config.Cluster, Authority: s.people,
		Notify: len(s.config.Notify) > 0,
	})
	if err != nil {
		return triggers.Case{}, err
	}
	return triggers.Case{Case: started.Case, Workflow: started.Workflow, Run: started.Run, Playbook: started.Playbook,
		Joined: started.Joined, Dropped: started.Dropped, Reopens: started.Reopens}, nil
}

// open opens the listener before anything else is started: a receiver that anybody may use must not start at all.
func (a *app) open(ctx context.Context, cfg config.Config, f serveFlags, log *slog.Logger) (net.Listener, string, error) {
	if f.listen != "" {
		cfg.Receiver.Listen = f.listen
	}
	if f.tokenFile != "" {
		cfg.Receiver.Token = config.Secret{File: f.tokenFile}
	}
	token, err := cfg.Receiver.Token.Read(a.env)
	if err != nil {
		return nil, "", wrong(err)
	}
	access := receiver.Access{
		Token: token, InsecureLoopback: f.insecureLoopback, Log: log,
		CertFile: cfg.Receiver.TLS.Certificate, KeyFile: cfg.Receiver.TLS.Key, ClientCAFile: cfg.Receiver.TLS.ClientCA,
	}
	listener, err := receiver.Listen(ctx, cfg.Receiver.Listen, access)
	return listener, token, accessFault(err)
}

func (a *app) announce(log *slog.Logger, cfg config.Config, plans []plan.Plan, at net.Addr) {
	for _, p := range plans {
		log.Info("playbook loaded", "playbook", p.Name, "version", p.Version, "source", p.Source, "hash", p.Hash,
			"triggers", len(p.Triggers))
	}
	log.Info("listening for alerts", "address", at.String(), "paths", receiver.Paths(), "cluster", cfg.Cluster,
		"tls", cfg.Receiver.TLS.Certificate != "", "version", a.build().Version)
}

func accessFault(err error) error {
	var access *receiver.AccessError
	if errors.As(err, &access) {
		return wrong(err)
	}
	return err
}
