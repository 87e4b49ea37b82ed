package containers

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Kind is a kind of store.
type Kind string

// The kinds of stores.
const (
	Containerd Kind = "containerd"
	Docker     Kind = "docker"
)

// Root is the directory of one store.
type Root struct {
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
}

const (
	metaDir     = "io.containerd.metadata.v1.bolt"
	dockerFile  = "config.v2.json"
	searchDepth = 8       // var/lib/docker/containers/<id>/config.v2.json is six deep
	searchLimit = 500_000 // entries looked at
	maxRoots    = 32      // stores of one disk; an attacker can plant any number, each with databases as large as may be
)

// findRoots looks where the runtimes keep their stores by default, following links inside the image, and then through
// the upper levels of the tree: the disk may be mounted anywhere on its node, and stores may be moved. Those at their
// usual places come first.
func (l *lister) findRoots() error {
	found := map[Root]bool{}
	for _, base := range []string{"var/lib/", "lib/", ""} {
		l.probe(found, base+"containerd")
		l.probe(found, base+"docker")
	}
	usual := maps.Clone(found)
	if err := l.search(found); err != nil {
		return err
	}
	for root := range found {
		l.out.Roots = append(l.out.Roots, root)
	}
	rank := func(r Root) string {
		if usual[r] {
			return "1" + r.Path + string(r.Kind)
		}
		return "2" + r.Path + string(r.Kind)
	}
	slices.SortFunc(l.out.Roots, func(a, b Root) int { return strings.Compare(rank(a), rank(b)) })
	if n := len(l.out.Roots); n > maxRoots {
		l.problem(l.out.Roots[maxRoots].Path, fmt.Errorf("%d stores are on the disk: this one and those after it were not read", n))
		l.out.Roots = l.out.Roots[:maxRoots]
	}
	return nil
}

// probe looks at a place where stores are by default, before the search: that may end before it comes there, and follows
// no link.
func (l *lister) probe(found map[Root]bool, dir string) {
	if !l.dirAt(dir) {
		return
	}
	if l.dirAt(path.Join(dir, metaDir)) {
		found[Root{dir, Containerd}] = true
	}
	if l.dirAt(path.Join(dir, "containers")) {
		found[Root{dir, Docker}] = true
	}
}

// dirAt tells whether a directory is there. What cannot be read is a problem, what is not there is none.
func (l *lister) dirAt(name string) bool {
	info, err := fs.Stat(l.disk, name)
	if err == nil {
		return info.IsDir()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		l.problem(name, err)
	}
	return false
}

func (l *lister) search(found map[Root]bool) error {
	left := searchLimit
	return l.disk.Walk(".", func(p string, d fs.DirEntry, err error) error {
		if stop := l.ctx.Err(); stop != nil {
			return stop
		}
		if err != nil || d == nil {
			l.problem(p, errors.Join(err))
			return nil
		}
		if left--; left < 0 {
			l.problem(p, fmt.Errorf("the search for stores ended here after %d entries", searchLimit))
			return fs.SkipAll
		}
		note(found, p, d)
		if d.IsDir() && (layers(d.Name()) || strings.Count(p, "/") >= searchDepth) {
			return fs.SkipDir
		}
		return nil
	})
}

func note(found map[Root]bool, p string, d fs.DirEntry) {
	switch {
	case d.IsDir() && d.Name() == metaDir:
		found[Root{path.Dir(p), Containerd}] = true
	case !d.IsDir() && d.Name() == dockerFile && path.Base(path.Dir(path.Dir(p))) == "containers":
		found[Root{path.Dir(path.Dir(path.Dir(p))), Docker}] = true
	}
}

// layers tells directories that hold the files of containers: what looks like a store in there is a container's.
func layers(name string) bool {
	return slices.Contains([]string{"overlay2", "overlay", "vfs", "snapshots", "volumes", "rootfs", "kubelet", "io.containerd.content.v1.content"}, name)
}
