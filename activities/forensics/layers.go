package forensics

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Why a change in a layer that no container owns is listed and not judged.
const (
	asUnpacked = "it is as an image leaves it that is unpacked"
	asRemoved  = "its whole layer was removed"
)

// unpacking is how long after a layer was made an image may still be unpacked into it: containerd makes the layer before
// it fetches the bytes.
const unpacking = 30 * time.Minute

// layers tells in whose layer a path of a disk lies.
type layers struct {
	disk     volume.FS
	owners   map[string]containers.Container // by the directories of their own layers
	stores   []containers.Root
	problems []string // what of the stores could not be read: those containers own no layer here
	last     orphan   // walks come to the files of a layer one after another
}

// orphan is a layer that no container owns: an image's, or that of a container which the store no longer names or whose
// name could not be read.
type orphan struct {
	dir     string
	removed bool
	created time.Time // zero where the disk does not say
}

// layersOf lists the containers of a disk and its stores.
func layersOf(ctx context.Context, p paper, v image.Volume) (*layers, error) {
	scratch, err := p.emptyScratch("databases")
	if err != nil {
		return nil, err
	}
	listing, err := containers.List(ctx, v.FS, scratch)
	if err != nil {
		return nil, errors.Join(errors.New("list containers"), err)
	}
	l := &layers{disk: v.FS, owners: map[string]containers.Container{}, problems: listing.Problems}
	for _, c := range listing.Containers {
		if c.Layer != "" {
			l.owners[c.Layer] = c
		}
	}
	for _, root := range listing.Roots {
		if ofRoot(v.FS, root.Path) {
			l.stores = append(l.stores, root)
		}
	}
	return l, nil
}

// ofRoot tells whether a store is the superuser's, as those of a node's runtimes are. In one that somebody else has made,
// perhaps to hide in, files are files of the node.
func ofRoot(disk volume.FS, dir string) bool {
	info, err := disk.Stat(dir)
	if err != nil { // its owner cannot be read: then it is taken for what it looks like, as its containers are
		return true
	}
	stat, _ := volume.StatOf(info)
	return stat.UID == 0
}

// place says in a change in whose layer it lies.
func (l *layers) place(ch *change) {
	if c, inside, ok := owner(l.owners, ch.Path); ok {
		ch.Inside, ch.Container, ch.Pod = shortPath(inside), named(c), c.Pod
		if c.PodNamespace != "" && c.Pod != "" {
			ch.Pod = c.PodNamespace + "/" + c.Pod
		}
		return
	}
	if dir, inside, ok := l.inStore(ch.Path); ok {
		ch.Layer, ch.Inside = shortPath(dir), shortPath(inside)
		ch.Unjudged = l.look(dir).excuse(ch)
	}
}

// owner gives the container in whose own layer a path lies, and the path as the container sees it.
func owner(owners map[string]containers.Container, p string) (containers.Container, string, bool) {
	for at := 0; at < len(p); at++ {
		if p[at] != '/' {
			continue
		}
		if c, ok := owners[p[:at]]; ok {
			return c, p[at:], true
		}
	}
	return containers.Container{}, "/" + strings.TrimPrefix(p, "/"), false
}

// inStore cuts a path at the directory of its layer, where it lies in a layer of a store.
func (l *layers) inStore(p string) (dir, inside string, ok bool) {
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

// look reads when a layer was made.
func (l *layers) look(dir string) orphan {
	if l.last.dir == dir {
		return l.last
	}
	l.last = orphan{dir: dir}
	info, err := l.disk.Lstat(dir)
	switch {
	case err == nil:
		stat, _ := volume.StatOf(info)
		l.last.created = stat.Created
	case missing(err):
		l.last.removed = true
	}
	return l.last
}

// excuse says why a change does not count, or nothing. An image that is pulled brings thousands of programs, and its
// accounts and timers. They have in common that they were modified before their layer was made, and were put there soon
// after: a program that a container writes is newer than its layer, and one whose time was set back gives itself away
// when the layer is older than any unpacking takes. What an image deletes has no time of its own. A layer that is gone
// as a whole was removed by its runtime.
func (o orphan) excuse(ch *change) string {
	age := ch.Changed.Sub(o.created)
	switch {
	case ch.Change == "deleted" && o.removed:
		return asRemoved
	case ch.Change == "deleted" || o.created.IsZero() || age < 0 || age > unpacking:
		return ""
	case ch.whiteout || ch.Modified.Before(o.created):
		return asUnpacked
	}
	return ""
}
