package lastwrites

import (
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Place is in whose layer a path of a disk lies. On the node itself it is empty.
type Place struct {
	Inside    string `json:"inside,omitempty"`    // as the container sees it
	Container string `json:"container,omitempty"` // its name, or the head of its id where it has none
	Pod       string `json:"pod,omitempty"`       // with its namespace
	Layer     string `json:"layer,omitempty"`     // on the disk, where no container owns it
}

// Layers tells in whose layer a path of a disk lies.
type Layers struct {
	owners map[string]containers.Container // by the directories of their own layers
	stores []containers.Root
}

// NewLayers takes the containers and stores that were found on a disk.
func NewLayers(disk volume.Tree, listing containers.Listing) *Layers {
	l := &Layers{owners: map[string]containers.Container{}}
	for _, c := range listing.Containers {
		if c.Layer != "" && named(c) != "" {
			l.owners[c.Layer] = c
		}
	}
	for _, root := range listing.Roots {
		if ofRoot(disk, root.Path) {
			l.stores = append(l.stores, root)
		}
	}
	return l
}

// ofRoot tells whether a store is the superuser's, as those of a node's runtimes are. In one that somebody else has made,
// perhaps to hide in, files are files of the node.
func ofRoot(disk volume.Tree, dir string) bool {
	info, err := disk.Stat(dir)
	if err != nil { // its owner cannot be read: then it is taken for what it looks like, as its containers are
		return true
	}
	stat, _ := volume.StatOf(info)
	return stat.UID == 0
}

// Find gives the place of a path.
func (l *Layers) Find(p string) Place {
	if c, inside, ok := l.owner(p); ok {
		at := Place{Inside: inside, Container: named(c), Pod: c.Pod}
		if c.PodNamespace != "" && c.Pod != "" {
			at.Pod = c.PodNamespace + "/" + c.Pod
		}
		return at
	}
	dir, inside, _ := l.inStore(p)
	return Place{Layer: dir, Inside: inside}
}

func named(c containers.Container) string {
	if c.Name != "" {
		return c.Name
	}
	return c.ID[:min(len(c.ID), 12)]
}

// owner gives the container in whose own layer a path lies, and the path as the container sees it.
func (l *Layers) owner(p string) (containers.Container, string, bool) {
	for at := 0; at < len(p); at++ {
		if p[at] != '/' {
			continue
		}
		if c, ok := l.owners[p[:at]]; ok {
			return c, p[at:], true
		}
	}
	return containers.Container{}, "", false
}

// inStore cuts a path at the directory of its layer, where it lies in a layer of a store.
func (l *Layers) inStore(p string) (dir, inside string, ok bool) {
	for _, s := range l.stores {
		if !holds(s.Path, p) {
			continue
		}
		rest := p
		if s.Path != "." {
			rest = strings.TrimPrefix(p[len(s.Path):], "/")
		}
		if inside, ok := cutLayer(s.Kind, rest); ok {
			return p[:len(p)-len(inside)], inside, true
		}
	}
	return "", "", false
}

// cutLayer gives what follows the directory of a layer in a path of a store. Layers are where overlayfs has them.
func cutLayer(kind containers.Kind, p string) (inside string, ok bool) {
	parts := strings.SplitN(p, "/", 5)
	switch {
	case kind == containers.Docker && len(parts) > 3 && parts[0] == "overlay2" && parts[2] == "diff":
		return "/" + strings.Join(parts[3:], "/"), true
	case kind == containers.Containerd && len(parts) > 4 && strings.HasPrefix(parts[0], "io.containerd.snapshotter.v1.") && parts[1] == "snapshots" && parts[3] == "fs":
		return "/" + parts[4], true
	}
	return "", false
}
