package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/firebreak-ir/firebreak/lab/build"
	"github.com/firebreak-ir/firebreak/lab/controlplane"
	"github.com/firebreak-ir/firebreak/lab/moto"
	"github.com/firebreak-ir/firebreak/lab/process"
	"github.com/firebreak-ir/firebreak/lab/prometheus"
	"github.com/firebreak-ir/firebreak/lab/python"
	"github.com/firebreak-ir/firebreak/lab/temporal"
)

// clusterName is what the product calls this cluster.
const clusterName = "lab"

// starting is a lab on its way up.
type starting struct {
	Lab
	Options
	group    *process.Group
	binaries build.Binaries
	python   python.Env
	metrics  string // the program of Prometheus; empty where it is left out
	ports    ports
	plane    controlplane.ControlPlane
	d        Description
}

// start does everything, the slow and independent parts at the same time.
func (l Lab) start(ctx context.Context, group *process.Group, options Options, made Made) (Description, error) {
	s := &starting{Lab: l, Options: options, group: group}
	s.d = Description{Dir: l.Dir, Name: l.Name, Cluster: clusterName, Made: made}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"programs", s.prepare},        // nothing runs before everything is there
		{"", s.chooseWhereabouts},      // ports and directories
		{"servers", s.startServers},    // Temporal, AWS, the control plane, and the nodes' disks: all at once
		{"nodes", s.addNodes},          // they need instances, and an API server
		{"permissions", s.permit},      // the product's own service account
		{"real node", s.startRealNode}, // kubelet and containerd
		{"scenario", s.playScenario},   // a shop, and somebody who breaks into it
	} {
		begin := l.Now()
		if err := step.do(ctx); err != nil {
			return Description{}, err
		}
		if step.what != "" {
			fmt.Fprintf(l.Out, "  %-12s ready after %s\n", step.what, l.Now().Sub(begin).Round(100*time.Millisecond))
		}
	}
	return s.d, s.d.save()
}

// dataDirectories are those below Dir that hold a lab's data. They go when the lab goes: half of the data is in the
// servers' memory, and the other half is worth nothing without it.
func dataDirectories() []string {
	return []string{"kubernetes", "temporal", "aws", "disks", "node", "scenario", "prometheus"}
}

func (s *starting) chooseWhereabouts(ctx context.Context) error {
	var err error
	if s.ports, err = choosePorts(ctx); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(s.Dir, "logs")); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(s.Dir, "logs"), 0o700); err != nil {
		return err
	}
	for _, name := range dataDirectories() {
		dir := filepath.Join(s.Dir, name)
		if err := s.group.OnDown(process.Cleanup{Kind: process.Remove, Target: dir}); err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	return nil
}

func (s *starting) startServers(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return s.startTemporal(ctx) })
	all.Go(func() error { return s.startAWS(ctx) })
	all.Go(func() error { return s.startControlPlane(ctx) })
	all.Go(func() error { return s.makeDisks(ctx) })
	all.Go(func() error { return s.startPrometheus(ctx) })
	return all.Wait()
}

func (s *starting) startControlPlane(ctx context.Context) (err error) {
	s.plane, err = controlplane.Up(ctx, controlplane.Config{Group: s.group, Binaries: s.binaries, Ports: s.ports.Kubernetes, Now: s.Now})
	s.d.Kubernetes = Kubernetes{Server: s.plane.Server, Admin: s.plane.Admin, CA: s.plane.CA, Audit: s.plane.AuditLog}
	return err
}

func (s *starting) startTemporal(ctx context.Context) error {
	ports := s.ports.Temporal
	s.d.Temporal = Temporal{Address: ports.Address(), Namespace: temporal.Namespace}
	args := []string{"serve", "temporal", "--database", filepath.Join(s.Dir, "temporal", "temporal.db"), "--ports", ports.String()}
	if s.UI {
		s.d.Temporal.UI = ports.URL()
		args = append(args, "--ui")
	}
	return s.group.Start(ctx, process.Spec{
		Name: "temporal", Path: s.Self, Args: args, Within: time.Minute,
		Ready: func(ctx context.Context) error { return temporal.Ready(ctx, ports, s.UI) },
	})
}

func (s *starting) startPrometheus(ctx context.Context) error {
	if s.metrics == "" {
		return nil
	}
	spec, err := prometheus.Spec(s.metrics, filepath.Join(s.Dir, "prometheus"), s.ports.Prometheus)
	if err != nil {
		return err
	}
	s.d.Prometheus = fmt.Sprintf("http://127.0.0.1:%d", s.ports.Prometheus)
	return s.group.Start(ctx, spec)
}

func (s *starting) startAWS(ctx context.Context) error {
	upstream := fmt.Sprintf("http://127.0.0.1:%d", s.ports.Moto)
	listen := fmt.Sprintf("127.0.0.1:%d", s.ports.Front)
	s.d.AWS = AWS{
		Endpoint: "http://" + listen, Region: moto.Region, AccessKey: moto.AccessKey, SecretKey: moto.SecretKey,
		Faults: "http://" + listen + "/_lab/faults",
	}
	err := s.group.Start(ctx, process.Spec{
		Name: "ebs-front", Path: s.Self, Args: []string{"serve", "aws", "--upstream", upstream, "--state", filepath.Join(s.Dir, "aws"), "--listen", listen},
		Ready: process.TCPReady(listen), Within: 20 * time.Second,
	})
	return errors.Join(err, s.group.Start(ctx, moto.Spec(s.python, s.ports.Moto)))
}
