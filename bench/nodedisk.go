package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// nodeDisk is an image of a node's disk, as large as such disks are, which is made once and kept in the cache.
type nodeDisk struct {
	kind  string // of the file system, as mkfs names it
	bytes int64  // of the disk
	tree  treeSpec
	store storeSpec
}

// nodeDisks are the disks that are measured. The number in a cached one's name goes up when the tree that is made changes.
func nodeDisks() []nodeDisk {
	tree := treeSpec{seed: 4, layers: 62, layerFiles: 6900, blobs: 110}
	store := storeSpec{containers: 40, below: 8, changes: 60}
	return []nodeDisk{{kind: "ext4", bytes: 16 << 30, tree: tree, store: store}, {kind: "xfs", bytes: 16 << 30, tree: tree, store: store}}
}

func (d nodeDisk) path() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "firebreak", "bench", fmt.Sprintf("node-2-%s.img", d.kind)), nil
}

// find gives the disk's image, which is made where it is missing: that takes root, minutes and some 13 GB.
func (d nodeDisk) find(ctx context.Context, to io.Writer) (string, error) {
	path, err := d.path()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	fmt.Fprintf(to, "making %s, once\n", path)
	half := path + ".half"
	if err := d.make(ctx, half); err != nil {
		return "", errors.Join(fmt.Errorf("make %s: %w", path, err), os.Remove(half))
	}
	return path, os.Rename(half, path)
}

func (d nodeDisk) make(ctx context.Context, image string) error {
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, d.bytes)); err != nil {
		return err
	}
	force := map[string]string{"ext4": "-F", "xfs": "-f"}[d.kind]
	if err := command(ctx, "mkfs."+d.kind, "-q", force, "-L", "node", image); err != nil {
		return err
	}
	return mounted(ctx, image, "rw", func(dir string) error {
		return errors.Join(d.tree.fill(ctx, dir), d.store.fill(dir, d.tree.layers))
	})
}

// mounted has the kernel mount an image while do runs.
func mounted(ctx context.Context, image, options string, do func(dir string) error) (err error) {
	dir, err := os.MkdirTemp("", "firebreak-bench-")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	if err := command(ctx, "mount", "-o", "loop,"+options, image, dir); err != nil {
		return err
	}
	defer func() { // also when the run is called off
		err = errors.Join(err, command(context.WithoutCancel(ctx), "umount", dir))
	}()
	return do(dir)
}

func command(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
