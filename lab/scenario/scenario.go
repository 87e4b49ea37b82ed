// Package scenario seeds a cluster with a small shop, and then breaks into it.
//
// The shop is what a responder meets: a Deployment behind a Service, a bare pod that shares its labels, a network policy
// and a disruption budget of other people, and system pods beside it. Attack is a real intrusion: it runs commands in a
// container through the API server, and leaves on the node's disk what an intruder leaves.
package scenario

import (
	"context"
	"fmt"
	"io"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Names of what Seed creates.
const (
	Namespace     = "shop"
	Deployment    = "web"
	Service       = "web"
	BarePod       = "web-canary"
	ForeignPolicy = "allow-web-from-ingress"
	PDB           = "web"
	Container     = "web"
	SystemPods    = "node-agent" // a DaemonSet in kube-system
)

// Replicas is how many pods the Deployment has, all on the one node that is attacked: every attack that a responder
// contains takes one of them away, so this many runs need no undo.
const Replicas = 6

// Config says where to seed.
type Config struct {
	REST  *rest.Config // an administrator's
	Node  string       // the node that the shop runs on: the real one where there is one
	Image string       // of the workload; on a real node it has to be there already
	Out   io.Writer
}

// Seed creates the shop and waits until all of it is ready. What exists already stays as it is.
func Seed(ctx context.Context, cfg Config) error {
	client, err := kubernetes.NewForConfig(cfg.REST)
	if err != nil {
		return fmt.Errorf("seed scenario: %w", err)
	}
	s := seeding{Config: cfg, client: client}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"namespace " + Namespace, s.namespace},
		{"deployment and service " + Deployment, s.workload},
		{"bare pod " + BarePod, s.barePod},
		{"network policy " + ForeignPolicy + " and disruption budget", s.otherPeoples},
		{"system pods", s.systemPods},
		{"all of them ready", s.await},
	} {
		fmt.Fprintf(cfg.Out, "scenario: %s\n", step.what)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("seed scenario: %s: %w", step.what, err)
		}
	}
	return nil
}

// patience is how long the shop may take to be ready.
const patience = 2 * time.Minute
