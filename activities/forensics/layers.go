package forensics

import (
	"context"
	"errors"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
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

// layers tells what is to be thought of changes in layers that no container owns.
type layers struct {
	*lastwrites.Layers

	disk     volume.FS
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
	return &layers{Layers: lastwrites.NewLayers(v.FS, listing), disk: v.FS, problems: listing.Problems}, nil
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
	case ch.Kind == lastwrites.Deleted && o.removed:
		return asRemoved
	case ch.Kind == lastwrites.Deleted || o.created.IsZero() || age < 0 || age > unpacking:
		return ""
	case ch.Type == lastwrites.Whiteout || ch.Modified.Before(o.created):
		return asUnpacked
	}
	return ""
}
