package kerneltest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// Mount loop-mounts an image of a kind of file system, such as ext4, until the test ends or the function that it gives is
// called. The options are mount's, "loop" is added to them.
func Mount(t testing.TB, kind, image, options string) (dir string, unmount func()) {
	t.Helper()
	dir, out, err := mount(t, kind, image, options)
	if err != nil {
		labenv.LeaveOut(t, "this machine cannot loop-mount %s with %q: %v: %s", kind, options, err, out)
	}
	return dir, unmountOnce(t, dir)
}

// TryMount is Mount for an image that the kernel may refuse: ok is false then. The caller has mounted a sound one before.
func TryMount(t testing.TB, kind, image, options string) (dir string, ok bool) {
	t.Helper()
	dir, _, err := mount(t, kind, image, options)
	if err != nil {
		return "", false
	}
	unmountOnce(t, dir)
	return dir, true
}

func mount(t testing.TB, kind, image, options string) (dir string, out []byte, err error) {
	t.Helper()
	if os.Getuid() != 0 {
		labenv.LeaveOut(t, "loop mounts need root")
	}
	dir = t.TempDir()
	out, err = exec.CommandContext(t.Context(), "mount", "-t", kind, "-o", "loop,"+options, image, dir).CombinedOutput()
	return dir, out, err
}

func unmountOnce(t testing.TB, dir string) (unmount func()) {
	t.Helper()
	mounted := true
	unmount = func() {
		if !mounted {
			return
		}
		mounted = false
		umount(t, dir)
	}
	t.Cleanup(unmount)
	return unmount
}

// umount tries again where the mount is busy: a process that another test starts has its files open until it runs.
func umount(t testing.TB, dir string) {
	t.Helper()
	var out []byte
	var err error
	for range 100 {
		out, err = exec.CommandContext(context.WithoutCancel(t.Context()), "umount", dir).CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("busy")) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("umount %s: %v: %s", dir, err, out)
	}
}

// CrashCopy is what a snapshot of a mounted disk holds: the disk at one moment. cp is not that fast, and the kernel may
// write while it reads, so two copies have to agree.
func CrashCopy(t testing.TB, image string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "snapshot.img")
	for range 20 {
		Run(t, "cp", "--sparse=always", image, copied)
		if exec.CommandContext(t.Context(), "cmp", "-s", image, copied).Run() == nil {
			return copied
		}
	}
	t.Fatalf("%s does not stand still", image)
	return ""
}

// Recovered mounts a copy of an image as the kernel mounts it after a crash, so that its journal is replayed and its
// orphans are dealt with, and then read-only for the comparison. Both mounts have the options besides.
func Recovered(t testing.TB, kind, image, options string) (dir string) {
	t.Helper()
	copied := CrashCopy(t, image)
	_, unmount := Mount(t, kind, copied, "rw,noatime,"+options)
	unmount()
	dir, _ = Mount(t, kind, copied, "ro,"+options)
	return dir
}

// Run runs a command that must succeed.
func Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
