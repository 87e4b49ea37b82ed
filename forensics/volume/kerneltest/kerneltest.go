// Package kerneltest holds a tree of an image against what the Linux kernel shows of the same image: every entry, with
// all that statx, listxattr and readlink tell of it, and its bytes. It is for tests alone.
package kerneltest

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

const maxDifferences = 20 // shown; more tell nothing new

// Entry is what one side tells of a file.
type Entry struct {
	Stat   volume.Stat       // the generation only of regular files and directories: the kernel tells no other
	Target string            // of a symbolic link
	Xattrs map[string]string // as listxattr and getxattr give them to root
	SHA256 string            // of a regular file, in hexadecimal digits
	Unread string            // what of the entry could not be read, and why
}

// Options say in what the two sides may differ. The zero value is: in nothing.
type Options struct {
	// Forget blanks in an entry what cannot be equal. It is called with the entries of both sides.
	Forget func(path string, e *Entry)
	// Damaged is for an image on which not everything can be read: what the kernel cannot read may be told in any way or be
	// missing, what it reads must be equal.
	Damaged bool
}

// Compare fails the test where the tree differs from the kernel's mount of the same image.
func Compare(t testing.TB, tree volume.Tree, mountpoint string) {
	t.Helper()
	CompareWith(t, tree, mountpoint, Options{})
}

// CompareWith is Compare with options. It gives the number of entries that are equal.
func CompareWith(t testing.TB, tree volume.Tree, mountpoint string, opts Options) int {
	t.Helper()
	return Same(t, Kernel(t, mountpoint), Read(t, tree, opts.Damaged), opts)
}

// Same holds two sides against each other, as Kernel and Read give them. Both may be changed.
func Same(t testing.TB, want, got map[string]Entry, opts Options) int {
	t.Helper()
	equal, differ := 0, 0
	for _, path := range paths(want, got) {
		diff, same := difference(path, want, got, opts)
		if same {
			equal++
		}
		if diff == "" {
			continue
		}
		if differ++; differ <= maxDifferences {
			t.Errorf("%q differs from the kernel's (-kernel +ours):\n%s", path, diff)
		}
	}
	if differ > maxDifferences {
		t.Errorf("%d entries differ, %d are equal", differ, equal)
	}
	return equal
}

func paths(sides ...map[string]Entry) []string {
	all := map[string]struct{}{}
	for _, side := range sides {
		for path := range side {
			all[path] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// difference tells what is wrong with a path, and whether both sides have it and tell the same.
func difference(path string, want, got map[string]Entry, opts Options) (diff string, same bool) {
	kernel, ours := want[path], got[path]
	_, known := want[path]
	_, read := got[path]
	switch {
	case opts.Damaged && (!known || kernel.Unread != ""): // we may read more
		return "", false
	case !read:
		return "we do not show it", false
	case !known:
		return "the kernel does not show it", false
	case !opts.Damaged && (kernel.Unread != "" || ours.Unread != ""):
		return "it cannot be read: by the kernel: " + kernel.Unread + "; by us: " + ours.Unread, false
	}
	if opts.Forget != nil {
		opts.Forget(path, &kernel)
		opts.Forget(path, &ours)
	}
	if reflect.DeepEqual(kernel, ours) {
		return "", true
	}
	diff = cmp.Diff(kernel, ours)
	return diff, diff == ""
}
