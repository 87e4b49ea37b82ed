package realnode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Able says whether this machine lets us do what a node needs, by doing each thing once: a container, or a root with few
// capabilities, may not. A thing whose program is not installed is not tried.
func Able(ctx context.Context) error {
	if os.Getuid() != 0 {
		return ErrNotRoot
	}
	return able(ctx, cgroups)
}

func able(ctx context.Context, cgroups string) error {
	dir, err := os.MkdirTemp("", "firebreak-probe-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var failed []error
	for _, probe := range []struct {
		what, program string
		try           func() error
	}{
		{"namespaces and mounts of its own", "unshare", func() error { return tryNamespaces(ctx, dir) }},
		{"a loop device", "losetup", func() error { return tryLoop(ctx, dir) }},
		{"a network bridge", "ip", func() error { return tryBridge(ctx, uniqueName(dir)) }},
		{"control groups", "sh", func() error { return tryCgroups(cgroups, filepath.Base(dir)) }},
	} {
		if _, err := exec.LookPath(probe.program); err != nil {
			continue
		}
		if err := probe.try(); err != nil {
			failed = append(failed, fmt.Errorf("this machine refuses %s: %w", probe.what, err))
		}
	}
	return errors.Join(failed...)
}

func tryNamespaces(ctx context.Context, dir string) error {
	return run(exec.CommandContext(ctx, "unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc", "--",
		"sh", "-c", `hostname probe && mount -t tmpfs tmpfs "$1"`, "sh", dir))
}

func tryLoop(ctx context.Context, dir string) error {
	image := filepath.Join(dir, "image")
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, 1<<20)); err != nil {
		return err
	}
	output, err := exec.CommandContext(ctx, "losetup", "--find", "--show", image).CombinedOutput()
	if err != nil {
		return fmt.Errorf("losetup: %w: %s", err, strings.TrimSpace(string(output)))
	}
	return run(exec.CommandContext(ctx, "losetup", "--detach", strings.TrimSpace(string(output))))
}

func tryBridge(ctx context.Context, name string) error {
	if err := run(exec.CommandContext(ctx, "ip", "link", "add", name, "type", "bridge")); err != nil {
		return err
	}
	return run(exec.CommandContext(ctx, "ip", "link", "delete", name))
}

// tryCgroups makes a group in every hierarchy, and passes the controllers on as the node will.
func tryCgroups(root, name string) error {
	hierarchies, err := cgroupHierarchies(root)
	if err != nil {
		return err
	}
	var failed []error
	for _, hierarchy := range hierarchies {
		group := filepath.Join(hierarchy, name)
		if err := os.Mkdir(group, 0o755); err != nil {
			failed = append(failed, err)
			continue
		}
		failed = append(failed, passOn(hierarchy), os.Remove(group))
	}
	return errors.Join(failed...)
}
