// Package clustertest starts a control plane of its own for one test.
package clustertest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/lab/build"
	"github.com/firebreak-ir/firebreak/lab/controlplane"
	"github.com/firebreak-ir/firebreak/lab/process"
)

// Cluster is a control plane that ends with the test.
type Cluster struct {
	controlplane.ControlPlane
	Group    *process.Group
	Binaries build.Binaries
}

// Start builds the servers that are not in the cache, and starts a control plane with the nodes that kwok plays. source
// is the path of lab/servers from the test's directory.
func Start(t *testing.T, source string, servers []build.Server, nodes ...controlplane.Node) Cluster {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	builder := build.Builder{
		Source: source, Cache: filepath.Join(cache, "firebreak", "lab"), Assets: os.Getenv("KUBEBUILDER_ASSETS"), Out: t.Output(), Now: time.Now,
	}
	built, err := builder.Ensure(t.Context(), servers)
	if err != nil {
		t.Fatal(err)
	}
	group, err := process.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { down(t, group) })
	plane, err := controlplane.Up(t.Context(), controlplane.Config{
		Group: group, Binaries: built.Binaries, Ports: ports(t), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := plane.AddNodes(t.Context(), nodes); err != nil {
		t.Fatal(err)
	}
	return Cluster{ControlPlane: plane, Group: group, Binaries: built.Binaries}
}

func ports(t *testing.T) controlplane.Ports {
	t.Helper()
	p, err := process.FreePorts(t.Context(), 6)
	if err != nil {
		t.Fatal(err)
	}
	return controlplane.Ports{Etcd: p[0], EtcdPeer: p[1], API: p[2], Controllers: p[3], Scheduler: p[4], Kwok: p[5]}
}

// down has a context of its own: the test's is over when the cleanups run.
func down(t *testing.T, group *process.Group) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := group.Down(ctx); err != nil {
		t.Error(err)
	}
}
