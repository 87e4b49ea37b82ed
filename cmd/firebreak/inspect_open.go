package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// inspection is a disk that is looked into.
type inspection struct {
	*app

	flags   *inspectFlags
	name    string
	device  block.Device
	image   *image.Image
	release []func() error
}

func (a *app) openInspection(ctx context.Context, name string, f *inspectFlags) (*inspection, error) {
	i := &inspection{app: a, flags: f, name: name}
	if err := i.openDevice(ctx); err != nil {
		return nil, err
	}
	opened, err := image.Open(i.device, image.Options{SkipJournal: f.inPlace})
	if err != nil {
		return nil, errors.Join(wrongf("read %q: %w", name, err), i.close())
	}
	i.image = opened
	return i, nil
}

func (i *inspection) openDevice(ctx context.Context) error {
	if snapshotID(i.name) {
		return i.openSnapshot(ctx)
	}
	file, err := block.OpenFile(i.name)
	if err != nil {
		return unread(err)
	}
	i.device, i.release = file, append(i.release, file.Close)
	return nil
}

// snapshotID tells ids of snapshots from names of files; a file of that name is reached as ./snap-….
func snapshotID(name string) bool { return regexp.MustCompile(`^snap-[0-9a-f]+$`).MatchString(name) }

func (i *inspection) openSnapshot(ctx context.Context) error {
	client, err := block.NewEBSClient(ctx, i.flags.region)
	if err != nil {
		return err
	}
	snapshot, err := block.OpenSnapshot(ctx, client, i.name, block.Options{})
	if err != nil {
		return err
	}
	i.device = snapshot.Device(ctx)
	return nil
}

func (i *inspection) close() error {
	var errs []error
	for _, release := range i.release {
		errs = append(errs, release())
	}
	return errors.Join(errs...)
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

// tree is what ls and cat look into.
func (i *inspection) tree(context.Context) (volume.Tree, error) {
	v, err := i.volume()
	return v.FS, err
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
