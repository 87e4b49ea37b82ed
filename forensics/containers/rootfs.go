package containers

import (
	"fmt"

	"github.com/firebreak-ir/firebreak/forensics/overlay"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Rootfs gives a container's file system as its processes saw it, merged from its layers, without what was mounted into
// it. Problems are why it cannot be given; then it is nil. Every layer counts: a view without one would show files as a
// container's own that are its image's.
func Rootfs(disk volume.Tree, c Container) (view *overlay.FS, problems []string) {
	if len(c.Layers) == 0 {
		return nil, []string{fmt.Sprintf("the layers of container %q are not known", c.ID)}
	}
	var layers []overlay.Layer
	for _, dir := range c.Layers {
		layers = append(layers, overlay.Layer{Tree: disk, Root: dir})
	}
	var opts []overlay.Option
	if c.Rootless {
		opts = append(opts, overlay.With(overlay.User))
	}
	view, err := overlay.Open(layers, opts...)
	if err != nil {
		return nil, []string{fmt.Sprintf("layers of container %q: %v", c.ID, err)}
	}
	return view, nil
}
