package realnode

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A container is played by programs that are refused what they ask for, and by a control group that hands on nothing.
func TestWhatAContainerRefusesIsNamed(t *testing.T) {
	bin := t.TempDir()
	for _, program := range []string{"unshare", "losetup", "ip", "sh"} {
		put(t, filepath.Join(bin, program), "#!/bin/sh\necho Operation not permitted >&2\nexit 1\n")
		if err := os.Chmod(filepath.Join(bin, program), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	root := t.TempDir()
	put(t, filepath.Join(root, "cgroup.procs"), "1\n")
	put(t, filepath.Join(root, "cgroup.controllers"), "cpu\n")
	err := able(t.Context(), root)
	for _, want := range []string{"namespaces and mounts of its own: unshare: ", "a loop device: ", "a network bridge: ", "control groups: ", "Operation not permitted"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(root, "firebreak-probe-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWhatIsNotInstalledIsNotTried(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := able(t.Context(), t.TempDir()); err != nil {
		t.Errorf("got %v", err)
	}
}
