// Package overlay gives the merged view of a container's layers, as the kernel's overlayfs shows it, from layers that lie
// on images: nothing is mounted. The rules are those of fs/overlayfs/namei.c and readdir.c. The layers are taken for
// hostile: chains, depths and lists are bounded, and damage is an error that names its place.
package overlay

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Limits of what is merged.
const (
	maxLayers    = 501     // the kernel's 500 lower ones and the upper one
	maxRedirect  = 4096    // bytes of a path
	maxLinks     = 40      // symbolic links in one resolution, as in the kernel
	maxDepth     = 2048    // directories above an entry
	maxListed    = 4 << 20 // entries of a directory and of those above it that a walk is in, over all layers
	maxNames     = 256 << 20
	maxDuplicate = 1000 // directories that a walk may enter again by another name
	maxKnown     = 1024 // directories whose layers are remembered
)

// Layer is a directory of a tree whose content is one layer.
type Layer struct {
	Tree volume.Tree
	Root string // path of the directory in the tree, as in io/fs; links in it are followed
}

// Option chooses how layers are read.
type Option func(*FS)

// With reads the marks of another namespace than Trusted.
func With(marks Namespace) Option { return func(f *FS) { f.marks = marks } }

// FS is the merged view. It is a volume.Tree.
//
// An entry tells what the kernel's overlayfs tells of it, with one exception: its inode number, generation and number of
// links are those of the file that shows, in its own layer (the kernel gives a file that was copied up the inode number
// of the lower one). A directory of several layers has one link, as in the kernel. Numbers of two layers may be equal:
// two names are one file where Origin gives the same layer for both as well.
type FS struct {
	layers []Layer // lowest first
	marks  Namespace
	root   *Info

	mu    sync.Mutex
	known map[string]*Info // directories, by path
}

// Open merges layers: the lowest first, the uppermost last. A layer whose directory is missing is an error.
func Open(layers []Layer, opts ...Option) (*FS, error) {
	if len(layers) == 0 || len(layers) > maxLayers {
		return nil, fmt.Errorf("%d layers; one to %d can be merged", len(layers), maxLayers)
	}
	f := &FS{layers: slices.Clone(layers), marks: Trusted, known: map[string]*Info{}}
	for _, o := range opts {
		o(f)
	}
	f.root = &Info{name: "."}
	var errs []error
	for i, l := range slices.Backward(f.layers) {
		info, err := l.Tree.Stat(l.Root)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("layer %d: %w", i, err))
		case !info.IsDir():
			errs = append(errs, fmt.Errorf("layer %d: %q is not a directory", i, l.Root))
		default:
			f.root.spots = append(f.root.spots, spot{layer: i, path: l.Root, info: info})
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return f, nil
}

// Layers gives the layers, the lowest first.
func (f *FS) Layers() []Layer { return slices.Clone(f.layers) }

// Marks is the namespace of the attributes that are obeyed.
func (f *FS) Marks() Namespace { return f.marks }

// Origin tells which layer's file shows, and the path of that file in the layer's tree. It is false for what this view
// did not give.
func (f *FS) Origin(info fs.FileInfo) (layer int, path string, ok bool) {
	known, ok := info.(*Info)
	if !ok || known == nil {
		return 0, "", false
	}
	return known.spots[0].layer, known.spots[0].path, true
}

// Data is Origin for the bytes of a file: another layer's where only its metadata was copied up.
func (f *FS) Data(info fs.FileInfo) (layer int, path string, ok bool) {
	known, ok := info.(*Info)
	if !ok || known == nil || !known.mode().IsRegular() || known.noData != nil {
		return 0, "", false
	}
	from := known.bytes()
	return from.layer, from.path, true
}

// Below gives the layers that lie one over the other in a directory, the uppermost first, each with the path there.
func (f *FS) Below(info fs.FileInfo) []Place {
	known, ok := info.(*Info)
	if !ok || known == nil {
		return nil
	}
	out := make([]Place, len(known.spots))
	for i, s := range known.spots {
		out[i] = Place{Layer: s.layer, Path: s.path}
	}
	return out
}

// Place is a file of a layer.
type Place struct {
	Layer int
	Path  string // in the layer's tree
}
