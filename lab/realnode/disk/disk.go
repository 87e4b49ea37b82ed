// Package disk makes a node's root disk as an ext4 image file, without mounting anything and without root.
package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Spec says what disk to make.
type Spec struct {
	Path       string // the image file; replaced when it exists
	Size       int64  // of the disk in bytes; the file is sparse
	Hostname   string
	Docker     []byte // a tar.gz of a /var/lib/docker, as fixtures.DockerOverlay2 gives one; none when empty
	Containerd []byte // a tar.gz of a /var/lib/containerd, as fixtures.Containerd gives one; empty for a node that makes its own
	Extra      []File // further files
}

// File is one file of the disk.
type File struct {
	Path string // relative to the root
	Mode os.FileMode
	Body string
}

// Needs names the programs that Make runs; Debian has them in e2fsprogs.
func Needs() []string { return []string{"mke2fs", "debugfs"} }

// Program finds a program of Needs, also where only root's PATH leads.
func Program(name string) (string, error) {
	for _, candidate := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no %q on this machine; install it with: apt-get install e2fsprogs", name)
}

// Make makes the image. What an ordinary user's files cannot carry (owners, devices, trusted attributes) is written
// into the image itself, so that it is the same with and without root.
func Make(ctx context.Context, spec Spec) error {
	work, err := os.MkdirTemp(filepath.Dir(spec.Path), ".disk-*")
	if err != nil {
		return fmt.Errorf("make disk image %q: %w", spec.Path, err)
	}
	defer os.RemoveAll(work)
	if err := build(ctx, spec, work); err != nil {
		return fmt.Errorf("make disk image %q: %w", spec.Path, err)
	}
	return nil
}

// build prepares everything under work, so that a half-made image never has the final name.
func build(ctx context.Context, spec Spec, work string) error {
	edits := &script{dir: filepath.Join(work, "edits")}
	root := filepath.Join(work, "root")
	if err := errors.Join(os.Mkdir(edits.dir, 0o700), os.Mkdir(root, 0o755)); err != nil {
		return err
	}
	if err := tree(root, spec, edits); err != nil {
		return err
	}
	if err := edits.age(root); err != nil {
		return err
	}
	image := filepath.Join(work, "image")
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, spec.Size)); err != nil {
		return err
	}
	if _, err := run(ctx, "mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-d", root, image); err != nil {
		return err
	}
	if err := edits.apply(ctx, image); err != nil {
		return err
	}
	return os.Rename(image, spec.Path)
}

// tree lays the files out below root, and leaves to the edits what an ordinary user cannot make.
func tree(root string, spec Spec, edits *script) error {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	for _, path := range directories() {
		if err := dir.MkdirAll(path, 0o755); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{"var/run": "/run", "var/lock": "/run/lock"} {
		if err := dir.Symlink(target, name); err != nil {
			return err
		}
	}
	for _, file := range append(systemFiles(spec.Hostname), spec.Extra...) {
		if err := writeFile(dir, file); err != nil {
			return err
		}
	}
	if err := edits.ownTree(root); err != nil {
		return err
	}
	return errors.Join(
		unpacking{root: dir, under: "var/lib/docker", edits: edits}.all(spec.Docker),
		unpacking{root: dir, under: "var/lib/containerd", edits: edits}.all(spec.Containerd),
	)
}

func writeFile(dir *os.Root, file File) error {
	if err := dir.MkdirAll(filepath.Dir(file.Path), 0o755); err != nil {
		return err
	}
	return dir.WriteFile(file.Path, []byte(file.Body), file.Mode)
}

func directories() []string {
	return []string{
		"boot", "etc/kubernetes", "home", "opt/cni/bin", "proc", "root", "run", "srv", "sys", "tmp", "usr/bin",
		"var/lib/cni", "var/lib/containerd", "var/lib/kubelet", "var/log/containers", "var/log/pods", "var/spool/cron", "var/tmp",
	}
}

func systemFiles(hostname string) []File {
	return []File{
		{"etc/hostname", 0o644, hostname + "\n"},
		{"etc/hosts", 0o644, "127.0.0.1 localhost\n127.0.1.1 " + hostname + "\n"},
		{"etc/os-release", 0o644, "ID=lab\nNAME=\"Firebreak lab node\"\nPRETTY_NAME=\"Firebreak lab node\"\n"},
		{"etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
		{"etc/group", 0o644, "root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\n"},
		{"etc/fstab", 0o644, "LABEL=root / ext4 defaults 0 1\n"},
	}
}

func run(ctx context.Context, name string, args ...string) (output string, err error) {
	path, err := Program(name)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("E2FSPROGS_FAKE_TIME=%d", installed))
	raw, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(raw)))
	}
	return string(raw), nil
}
