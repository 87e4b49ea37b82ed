package lastwrites

import (
	"cmp"
	"io/fs"
	"iter"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// met is what a walk came to.
type met struct {
	path  string
	entry fs.DirEntry
	err   error
}

// read tells whether a walk gave an entry, and not damage.
func (m met) read() bool { return m.err == nil && m.entry != nil }

// same tells whether two walks came to the same path, and to a directory both or neither.
func (m met) same(other met) bool {
	return m.path == other.path && m.read() && other.read() && m.entry.IsDir() == other.entry.IsDir()
}

// walkOf gives the walk of a file system as a sequence.
func walkOf(disk volume.Tree) iter.Seq[met] {
	return func(yield func(met) bool) {
		_ = disk.Walk(".", func(p string, d fs.DirEntry, err error) error { // it fails with what this function gives alone
			if !yield(met{p, d, err}) {
				return fs.SkipAll
			}
			return nil
		})
	}
}

// readable leaves the root and damage out of a view of the disk as it lies there: the journal mends it.
func readable(all iter.Seq[met]) iter.Seq[met] {
	return func(yield func(met) bool) {
		for m := range all {
			if m.read() && m.path != "." && !yield(m) {
				return
			}
		}
	}
}

// inOrder compares two paths as walks meet them: name by name.
func inOrder(a, b string) int {
	for i := range min(len(a), len(b)) {
		switch x, y := a[i], b[i]; {
		case x == y:
		case x == '/':
			return -1
		case y == '/':
			return 1
		default:
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(a), len(b))
}

// holds tells whether p is dir or lies below it.
func holds(dir, p string) bool {
	return dir == "." || strings.HasPrefix(p, dir) && (len(p) == len(dir) || p[len(dir)] == '/')
}
