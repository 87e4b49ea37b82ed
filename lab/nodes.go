package lab

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/firebreak-ir/firebreak/lab/controlplane"
	"github.com/firebreak-ir/firebreak/lab/ebsfront"
	"github.com/firebreak-ir/firebreak/lab/fixtures"
	"github.com/firebreak-ir/firebreak/lab/moto"
	"github.com/firebreak-ir/firebreak/lab/realnode"
	"github.com/firebreak-ir/firebreak/lab/realnode/disk"
)

const (
	realNodeName = "node-real"
	playedNodes  = 6
	diskGiB      = 2
)

// addNodes makes every node's instance and volume, and the nodes that kwok plays. The real one comes by itself.
func (s *starting) addNodes(ctx context.Context) error {
	var played []controlplane.Node
	for i := range s.d.Nodes {
		node := &s.d.Nodes[i]
		bound, err := moto.Launch(ctx, s.d.AWS.Endpoint, moto.Machine{Name: node.Name, GiB: diskGiB, Image: node.Image, Tag: ebsfront.ImageTag, Data: node.DataImage})
		if err != nil {
			return err
		}
		node.Instance, node.Volume, node.DataVolume = bound.Instance, bound.Volume, bound.Data
		if !node.Real {
			played = append(played, controlplane.Node{Name: node.Name, ProviderID: providerID(*node), Labels: labels(node.Name)})
		}
	}
	return s.plane.AddNodes(ctx, played)
}

func providerID(node NodeEntry) string { return moto.Bound{Instance: node.Instance}.ProviderID() }

// labels are those that a cloud's node has.
func labels(node string) map[string]string {
	return map[string]string{
		"kubernetes.io/hostname": node, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
		"node.kubernetes.io/instance-type": "m5.xlarge", "topology.kubernetes.io/region": moto.Region, "topology.kubernetes.io/zone": moto.Zone,
	}
}

// makeDisks makes one disk for the real node, and one for all the others: nothing ever writes to theirs. The real node
// brings its own containerd; the others have the tree that a real one left.
func (s *starting) makeDisks(ctx context.Context) error {
	docker := fixtures.DockerOverlay2()
	disks := filepath.Join(s.Dir, "disks")
	spec := disk.Spec{Path: filepath.Join(disks, "played.img"), Size: diskGiB << 30, Hostname: "node", Docker: docker, Containerd: fixtures.Containerd()}
	if err := disk.Make(ctx, spec); err != nil {
		return err
	}
	if err := os.Chmod(spec.Path, 0o400); err != nil {
		return err
	}
	if s.RealNode {
		own := disk.Spec{Path: filepath.Join(disks, "real.img"), Size: diskGiB << 30, Hostname: realNodeName, Docker: docker}
		if err := disk.Make(ctx, own); err != nil {
			return err
		}
		s.d.Nodes = append(s.d.Nodes, NodeEntry{Name: realNodeName, Real: true, Image: own.Path})
	}
	for i := range playedNodes {
		s.d.Nodes = append(s.d.Nodes, NodeEntry{Name: fmt.Sprintf("node-%d", i+1), Image: spec.Path})
	}
	return s.makeDataDisk(ctx)
}

// makeDataDisk gives the last played node a second volume.
func (s *starting) makeDataDisk(ctx context.Context) error {
	last := &s.d.Nodes[len(s.d.Nodes)-1]
	last.DataImage = filepath.Join(s.Dir, "disks", "data.img")
	return disk.Make(ctx, disk.Spec{Path: last.DataImage, Size: 1 << 30, Hostname: last.Name})
}

func (s *starting) startRealNode(ctx context.Context) error {
	if !s.RealNode {
		return nil
	}
	node := s.d.Nodes[0]
	set := labels(node.Name)
	maps.DeleteFunc(set, func(key, _ string) bool {
		return key == "kubernetes.io/hostname" || key == "kubernetes.io/os" || key == "kubernetes.io/arch"
	}) // the kubelet's own
	_, err := realnode.Up(ctx, realnode.Config{
		Group: s.group, Bin: s.binaries.Dir, Image: node.Image, Kubeconfig: s.plane.Kubelet, ClientCA: s.plane.CA,
		Name: node.Name, ProviderID: providerID(node), Labels: set, Out: s.Out,
	})
	return err
}
