package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestShelf: with a shelf a folder is read once, without one each time.
func TestShelf(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "a.yaml")
	if err := os.WriteFile(file, []byte("metadata: {name: common}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	kept, fresh := newShelf(), (*shelf)(nil)
	expect := func(s *shelf, name string, want int) {
		t.Helper()
		if found, err := s.named(folder, name); err != nil || len(found) != want {
			t.Errorf("%q: %v, %d playbooks, want %d", name, err, len(found), want)
		}
	}
	expect(kept, "common", 1)
	expect(kept, "commo", 0)
	expect(fresh, "common", 1)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	expect(kept, "common", 1)
	expect(fresh, "common", 0)
}
