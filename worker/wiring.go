package worker

import (
	"fmt"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/activities/aws"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/live"
	"github.com/firebreak-ir/firebreak/activities/notify"
	"github.com/firebreak-ir/firebreak/activities/telemetry"
	"github.com/firebreak-ir/firebreak/activities/ticket"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// Settings says where the activities find what they work with. Connections to Kubernetes and AWS follow kubectl's and
// the AWS SDK's own files and environment.
type Settings struct {
	Evidence       string   // directory of the cases' evidence
	Tracker        string   // folder of the built-in ticket tracker
	DockerExplorer []string // command, one word an item
	Kubeconfig     string   // empty: as kubectl finds it, else the pod's own service account
	KubeContext    string
	Prometheus     telemetry.Prometheus // the zero value is none
	ProbeImage     string               // of ephemeral containers; empty: the default
	Notify         notify.Targets       // where people are told; the zero value tells nobody
	Sealing        custody.Sealing      // what seals of evidence carry; the zero value is manifests and an unsigned statement
}

// Wire opens what the activities need. A cluster or an account that cannot be reached is told by the first activity
// that asks for it: the other activities of the worker go on.
func Wire(s Settings, history *cases.Cases) (all.Deps, error) {
	store, err := custody.Open(s.Evidence, time.Now)
	if err != nil {
		return all.Deps{}, fmt.Errorf("open the evidence store: %w", err)
	}
	return all.Deps{
		Cluster:        &cluster{kubeconfig: s.Kubeconfig, context: s.KubeContext},
		AWS:            &aws.SDK{},
		Store:          store,
		History:        history,
		Tracker:        ticket.NewFolder(s.Tracker, time.Now),
		EBS:            block.NewEBSClient,
		Prometheus:     s.Prometheus,
		Probe:          live.Probe{Image: s.ProbeImage},
		Notify:         s.Notify,
		Sealing:        s.Sealing,
		DockerExplorer: s.DockerExplorer,
	}, nil
}

// cluster makes the client when it is first asked for, and again while that fails: a kubeconfig that is mended helps
// the next attempt, without a restart.
type cluster struct {
	kubeconfig, context string

	mu     sync.Mutex
	client kubernetes.Interface
}

// Kubernetes is kube.Cluster's.
func (c *cluster) Kubernetes() (kubernetes.Interface, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		return c.client, nil
	}
	client, err := kube.Connect(c.kubeconfig, c.context)
	if err != nil {
		return nil, err
	}
	c.client = client
	return client, nil
}
