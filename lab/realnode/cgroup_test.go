package realnode

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// This machine has one version of control groups, so the other one's layout is laid out as files.
func TestHierarchiesOfBothVersions(t *testing.T) {
	v1, v2 := t.TempDir(), t.TempDir()
	put(t, filepath.Join(v1, "cpu", "cgroup.procs"), "1\n")
	put(t, filepath.Join(v1, "pids", "cgroup.procs"), "1\n")
	put(t, filepath.Join(v2, "cgroup.procs"), "1\n")
	put(t, filepath.Join(v2, "user.slice", "cgroup.procs"), "")
	for root, want := range map[string][]string{v1: {filepath.Join(v1, "cpu"), filepath.Join(v1, "pids")}, v2: {v2}} {
		if got, err := cgroupHierarchies(root); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
	if got, err := cgroupHierarchies(t.TempDir()); err == nil {
		t.Errorf("found %v where nothing is mounted", got)
	}
}

func TestOnlyMissingControllersArePassedOn(t *testing.T) {
	root := t.TempDir()
	setting := filepath.Join(root, "cgroup.subtree_control")
	if err := passOn(root); err != nil {
		t.Errorf("a hierarchy of v1: %v", err)
	}
	put(t, filepath.Join(root, "cgroup.controllers"), "cpu io memory pids\n")
	put(t, setting, "cpu memory pids\n")
	if err := passOn(root); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(setting); err != nil || string(raw) != "cpu memory pids\n" {
		t.Errorf("nothing was missing, and %q was written (%v)", raw, err)
	}
	put(t, setting, "cpu memory\n")
	if err := passOn(root); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(setting); err != nil || string(raw) != "+pids" {
		t.Errorf("wrote %q (%v), want +pids", raw, err)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
