package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// removeCgroup kills what runs in the cgroup, then removes it from the leaves up.
func removeCgroup(ctx context.Context, target string) error {
	if _, err := os.Stat(target); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var err error
	for range 100 {
		killCgroup(target)
		if err = removeCgroupTree(target); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return err
}

// killCgroup signals every process below target, in cgroup v1 and v2 alike.
func killCgroup(target string) {
	_ = filepath.WalkDir(target, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "cgroup.procs" {
			return nil //nolint:nilerr // a group that vanished holds no process; removing the tree reports what stays
		}
		raw, _ := os.ReadFile(path)
		for _, field := range strings.Fields(string(raw)) {
			if pid, err := strconv.Atoi(field); err == nil && pid > 1 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		return nil
	})
}

// removeCgroupTree removes the directories only: the kernel owns the files in them.
func removeCgroupTree(target string) error {
	entries, err := os.ReadDir(target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeCgroupTree(filepath.Join(target, entry.Name())); err != nil {
				return err
			}
		}
	}
	if err := syscall.Rmdir(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove cgroup %q: %w", target, err)
	}
	return nil
}
