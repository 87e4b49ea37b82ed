package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/firebreak-ir/firebreak/lab/controlplane"
	"github.com/firebreak-ir/firebreak/lab/realnode/ociimage"
	"github.com/firebreak-ir/firebreak/lab/scenario"
)

// permit applies the product's manifests and gets a token for its service account.
func (s *starting) permit(ctx context.Context) error {
	return s.Lab.permit(ctx, s.plane, s.Manifests, &s.d)
}

func (l Lab) permit(ctx context.Context, plane controlplane.ControlPlane, manifests string, d *Description) error {
	if _, err := os.Stat(manifests); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(l.Out, "left out: the worker's kubeconfig, because there are no manifests at %q (--manifests names others)\n", manifests)
		return nil
	}
	if err := plane.Apply(ctx, manifests); err != nil {
		return err
	}
	worker, err := plane.WriteWorkerKubeconfig(ctx)
	d.Kubernetes.Worker = worker
	return err
}

// refresh brings a running lab up to date with the product's manifests.
func (l Lab) refresh(ctx context.Context, d *Description, options Options, up bool) error {
	if !up {
		return nil
	}
	if err := l.permit(ctx, l.plane(*d), options.Manifests, d); err != nil {
		return err
	}
	return d.save()
}

// plane finds the control plane of a running lab.
func (l Lab) plane(d Description) controlplane.ControlPlane {
	plane := controlplane.Describe(l.Dir, controlplane.Ports{})
	plane.Server = d.Kubernetes.Server
	return plane
}

// playScenario seeds the shop on the real node, where there is one, and breaks into it once.
func (s *starting) playScenario(ctx context.Context) error {
	err := scenario.Seed(ctx, scenario.Config{REST: s.plane.Client(), Node: s.d.Nodes[0].Name, Image: ociimage.WebName, Out: s.Out})
	if err != nil {
		return err
	}
	node := s.d.Nodes[0]
	s.d.Scenario = Scenario{
		Namespace: scenario.Namespace, Container: scenario.Container, Node: node.Name, Deployment: scenario.Deployment, Service: scenario.Service,
		BarePod: scenario.BarePod, ForeignPolicy: scenario.ForeignPolicy, PDB: scenario.PDB, Instance: node.Instance, Volumes: []string{node.Volume},
	}
	return s.attack(ctx, s.plane, &s.d)
}

// Attack breaks in once more, into another pod, and writes a fresh alert.
func (l Lab) Attack(ctx context.Context) (Description, error) {
	d, err := l.Running()
	if err != nil {
		return Description{}, err
	}
	if err := l.attack(ctx, l.plane(d), &d); err != nil {
		return Description{}, err
	}
	return d, d.save()
}

func (l Lab) attack(ctx context.Context, plane controlplane.ControlPlane, d *Description) error {
	intrusion, err := scenario.Attack(ctx, scenario.AttackConfig{
		REST: plane.Client(), Node: d.Scenario.Node, Real: d.Nodes[0].Real, Dir: filepath.Join(l.Dir, "scenario"), Now: l.Now, Out: l.Out,
	})
	if err != nil {
		return err
	}
	d.Scenario.Pod, d.Scenario.PodUID, d.Scenario.Container, d.Scenario.Alert = intrusion.Pod, intrusion.PodUID, intrusion.Container, intrusion.Alert
	d.Scenario.Attack = intrusion
	return nil
}
