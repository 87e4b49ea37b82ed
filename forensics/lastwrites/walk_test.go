package lastwrites

import (
	"slices"
	"testing"
)

// TestOrder compares paths as walks meet them: a directory's own entries come before its longer-named neighbours.
func TestOrder(t *testing.T) {
	walk := []string{"#", "a", "a/b", "a/b/c", "a/b-", "a-", "a-/x", "a.b", "ab", "b"}
	got := slices.Clone(walk)
	slices.Reverse(got)
	slices.SortFunc(got, inOrder)
	if !slices.Equal(got, walk) {
		t.Errorf("%q", got)
	}
	for dir, want := range map[string]bool{".": true, "a": true, "a/b": true, "a/": false, "a/b-": false, "ab": false} {
		if holds(dir, "a/b") != want {
			t.Errorf("%q holds a/b: %v", dir, !want)
		}
	}
}
