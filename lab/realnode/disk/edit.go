package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// script collects edits of an image in debugfs's own language; attribute values are binary and stand in files of dir.
type script struct {
	dir    string
	lines  []string
	values int
}

func (s *script) add(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

// ownTree gives the files under root to user 0; it has nothing to do when they are already his.
func (s *script) ownTree(root string) error {
	if os.Getuid() == 0 {
		return nil
	}
	return filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		s.own(name, 0, 0)
		return err
	})
}

func (s *script) own(path string, uid, gid int) {
	s.add("sif %s uid %d", quote(path), uid)
	s.add("sif %s gid %d", quote(path), gid)
}

// installed is when the node's disk is made, in seconds of Unix time: weeks before anything happens on it, as on a node in
// use. An investigator who asks what changed lately is not shown the installation.
const installed = 1767600000 // 2026-01-05

// age dates the files under root to the installation; their inodes would else tell when the lab was started.
func (s *script) age(root string) error {
	return filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		for _, field := range []string{"ctime", "crtime"} {
			s.add("sif %s %s @%d", quote(name), field, installed)
		}
		return err
	})
}

// device makes a device node; debugfs makes nodes only in its current directory.
func (s *script) device(path, kind string, major, minor int64) {
	s.add("cd %s", quote(filepath.Dir(path)))
	s.add("mknod %s %s %d %d", strconv.Quote(filepath.Base(path)), kind, major, minor)
	s.add("cd /")
}

// mode sets the whole mode, the kind of file included.
func (s *script) mode(path string, kind, permissions int64) {
	s.add("sif %s mode 0%o", quote(path), kind|permissions)
}

func (s *script) attribute(path, name, value string) error {
	file := filepath.Join(s.dir, strconv.Itoa(s.values))
	s.values++
	s.add("ea_set -f %s %s %s", strconv.Quote(file), quote(path), name)
	return os.WriteFile(file, []byte(value), 0o600)
}

// apply runs the edits over the image. debugfs reports a failed edit only in its output, and exits with 0.
func (s *script) apply(ctx context.Context, image string) error {
	if len(s.lines) == 0 {
		return nil
	}
	file := filepath.Join(s.dir, "script")
	if err := os.WriteFile(file, []byte(strings.Join(s.lines, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	output, err := run(ctx, "debugfs", "-w", "-f", file, image)
	if err != nil {
		return err
	}
	return complaint(output)
}

// quote names a path from the root in debugfs's own language.
func quote(path string) string { return `"/` + strings.TrimPrefix(path, "./") + `"` }

// complaint finds what debugfs said that is neither its banner, an echoed edit, nor the number of a new inode.
func complaint(output string) error {
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "debugfs") || strings.HasPrefix(line, "Allocated inode:") {
			continue
		}
		return errors.New("debugfs: " + line)
	}
	return nil
}
