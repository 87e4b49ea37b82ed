package drift

import (
	"context"
	"fmt"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/overlay"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Of says whose the layer of a container is.
func Of(c containers.Container) *Attribution {
	return &Attribution{
		Runtime: c.Runtime, Container: c.ID, Name: c.Name, Image: c.Image, Pod: c.Pod, PodUID: c.PodUID, Namespace: c.PodNamespace,
		ServiceAccount: c.ServiceAccount, Node: c.Node,
	}
}

// OfVolume says whose a volume of a pod is.
func OfVolume(p containers.Pod, v containers.Volume) *Attribution {
	return &Attribution{Pod: p.Name, PodUID: p.UID, Namespace: p.Namespace, ServiceAccount: p.ServiceAccount, Node: p.Node, Volume: v.Name}
}

// Container compares a container of a disk with its image. One whose layers are not known, or not all there, is an error.
func Container(ctx context.Context, disk volume.Tree, c containers.Container, opts Options, do func(Change) error) (Summary, error) {
	if len(c.Layers) == 0 {
		return Summary{}, fmt.Errorf("the layers of container %q are not known", c.ID)
	}
	layers := make([]overlay.Layer, len(c.Layers))
	for i, dir := range c.Layers {
		layers[i] = overlay.Layer{Tree: disk, Root: dir}
	}
	if c.Rootless {
		opts.Marks = overlay.User
	}
	opts.Of = Of(c)
	return Compare(ctx, layers, opts, do)
}
