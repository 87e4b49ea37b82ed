package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// inspection is a disk that is looked into.
type inspection struct {
	*app

	flags  *inspectFlags
	name   string
	device block.Source
	image  *image.Image
}

func (a *app) openInspection(ctx context.Context, name string, f *inspectFlags) (*inspection, error) {
	device, err := block.Open(ctx, name, block.OpenOptions{Region: f.region, Local: block.Local{Dir: f.cache}})
	if err != nil {
		return nil, unread(err)
	}
	i := &inspection{app: a, flags: f, name: name, device: device}
	opened, err := image.Open(i.device, image.Options{SkipJournal: f.inPlace})
	if err != nil {
		return nil, errors.Join(wrongf("read %q: %w", name, err), i.close())
	}
	i.image = opened
	return i, nil
}

// ahead fetches what a walk through a whole snapshot will read. It ends with the device, whose reads then fail.
func (i *inspection) ahead(ctx context.Context) {
	if block.IsSnapshot(i.name) {
		go i.image.ReadAhead(ctx)
	}
}

// close ends the reading, and says of a snapshot what it has cost.
func (i *inspection) close() error {
	if s := i.device.Stats(); block.IsSnapshot(i.name) && i.watched {
		i.note("%d of %d blocks read, %s; %d requests, %d of them again", s.Read, s.Blocks, quantity(s.Bytes, "bytes"), s.Requests, s.Retries)
	}
	return i.device.Close()
}

// note tells on the standard error what does not belong to the answer.
func (i *inspection) note(format string, args ...any) {
	fmt.Fprintf(i.stderr, "firebreak: %s\n", safe(fmt.Sprintf(format, args...)))
}

// tell notes what was wrong with a file system when it was opened.
func (i *inspection) tell(v image.Volume) {
	for _, err := range v.Damage() {
		i.note("%s: %s", v.Part, err)
	}
}

// volume is the file system to look into: the one that was asked for, or the largest.
func (i *inspection) volume() (image.Volume, error) {
	var best *image.Volume
	for at := range i.image.Volumes {
		v := &i.image.Volumes[at]
		switch {
		case v.Part.Number == i.flags.partition:
			i.tell(*v)
			return *v, nil
		case best == nil || v.Part.Size > best.Part.Size:
			best = v
		}
	}
	switch {
	case i.flags.partition >= 0:
		return image.Volume{}, wrongf("%q has no partition %d that can be read; see `firebreak inspect %s`", i.name, i.flags.partition, i.name)
	case best == nil:
		return image.Volume{}, wrongf("nothing on %q can be read: %s", i.name, i.image.Unread[0])
	case len(i.image.Volumes) > 1:
		i.note("%s is looked into, the largest of %d file systems; --partition chooses another", best.Part, len(i.image.Volumes))
	}
	i.tell(*best)
	return *best, nil
}

// tree is what ls and cat look into: a file system, or a container's view of it.
func (i *inspection) tree(ctx context.Context) (volume.Tree, error) {
	v, err := i.volume()
	if err != nil || i.flags.container == "" {
		return v.FS, err
	}
	return i.rootfs(ctx, v, i.flags.container)
}

// containersOn lists the containers of a file system, and tells what could not be read.
func (i *inspection) containersOn(ctx context.Context, v image.Volume) (containers.Listing, error) {
	scratch, err := os.MkdirTemp("", "firebreak-inspect-")
	if err != nil {
		return containers.Listing{}, err
	}
	listing, err := containers.List(ctx, v.FS, scratch)
	return listing, errors.Join(err, os.RemoveAll(scratch))
}

// rootfs is the merged file system of a container.
func (i *inspection) rootfs(ctx context.Context, v image.Volume, wanted string) (volume.Tree, error) {
	c, err := i.findContainer(ctx, v, wanted)
	if err != nil {
		return nil, err
	}
	merged, problems := containers.Rootfs(v.FS, c)
	for _, problem := range problems {
		i.note("%s", problem)
	}
	if merged == nil {
		return nil, wrongf("the layers of container %q cannot be merged; what is left of them is on the disk itself", c.ID)
	}
	return merged, nil
}

// findContainer finds one container by its id, the beginning of it, or its name.
func (i *inspection) findContainer(ctx context.Context, v image.Volume, wanted string) (containers.Container, error) {
	listing, err := i.containersOn(ctx, v)
	if err != nil {
		return containers.Container{}, err
	}
	var found []containers.Container
	for _, c := range listing.Containers {
		if c.ID == wanted {
			return c, nil
		}
		if wanted != "" && strings.HasPrefix(c.ID, wanted) || c.Name == wanted {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return containers.Container{}, wrongf("no container %q on %s; see `firebreak inspect %s containers`", wanted, v.Part, i.name)
	case 1:
		return found[0], nil
	}
	return containers.Container{}, wrongf("%q may be any of %d containers: give more of the id", wanted, len(found))
}

// onDisk makes a path as people write it one of the tree.
func onDisk(p string) (string, error) {
	trimmed := strings.Trim(p, "/")
	if trimmed == "" {
		trimmed = "."
	}
	for _, part := range strings.Split(trimmed, "/") {
		if trimmed != "." && (part == "" || part == "." || part == "..") {
			return "", usage(fmt.Errorf("path %q must be written without empty parts and without . or .. in it", p))
		}
	}
	return trimmed, nil
}

// asked gives an error about a path in the words of the command line.
func asked(p string, err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return wrongf("%q: %w", p, err)
}
