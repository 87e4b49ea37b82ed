package realnode

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/lab/process"
)

const cgroups = "/sys/fs/cgroup"

// makeCgroups makes the node's own control groups, one a hierarchy where the machine still has cgroup v1: all its pods
// run below them, so that none is left behind.
func (n *node) makeCgroups(context.Context) error {
	hierarchies, err := cgroupHierarchies(cgroups)
	if err != nil {
		return err
	}
	for _, hierarchy := range hierarchies {
		target := filepath.Join(hierarchy, n.unique)
		if err := n.Group.OnDown(process.Cleanup{Kind: process.RemoveCgroup, Target: target}); err != nil {
			return err
		}
		if err := errors.Join(os.MkdirAll(target, 0o755), passOn(hierarchy)); err != nil {
			return err
		}
	}
	return nil
}

// cgroupHierarchies is the root alone for cgroup v2, and one directory a controller for v1.
func cgroupHierarchies(root string) ([]string, error) {
	if fileExists(filepath.Join(root, "cgroup.procs")) == nil {
		return []string{root}, nil
	}
	found, err := filepath.Glob(filepath.Join(root, "*", "cgroup.procs"))
	for i := range found {
		found[i] = filepath.Dir(found[i])
	}
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no control groups are mounted below %q", root)
	}
	return found, err
}

// passOn lets the groups below a v2 hierarchy have the controllers that a kubelet insists on. v1 has no such setting.
func passOn(hierarchy string) error {
	const setting = "cgroup.subtree_control"
	available, err := controllers(filepath.Join(hierarchy, "cgroup.controllers"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	passed, err := controllers(filepath.Join(hierarchy, setting))
	if err != nil {
		return err
	}
	for _, controller := range []string{"cpu", "cpuset", "hugetlb", "memory", "pids"} {
		if !slices.Contains(available, controller) || slices.Contains(passed, controller) {
			continue
		}
		if err := os.WriteFile(filepath.Join(hierarchy, setting), []byte("+"+controller), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func controllers(path string) ([]string, error) {
	raw, err := os.ReadFile(path)
	return strings.Fields(string(raw)), err
}
