package main

import (
	"context"
	"errors"

	"github.com/firebreak-ir/firebreak/forensics/archive"
)

// showArchive writes the merged file system of a container as a tar archive.
func showArchive(ctx context.Context, i *inspection, arg string) error {
	if i.terminal {
		return usage(errors.New("a tar archive is not for a terminal: send it to a file with > container.tar"))
	}
	v, err := i.volume()
	if err != nil {
		return err
	}
	tree, err := i.rootfs(ctx, v, arg)
	if err != nil {
		return err
	}
	bar := i.progress("archive", "bytes")
	result, err := archive.Write(ctx, i.stdout, tree, ".", archive.Options{Progress: func(_ int, bytes int64) { _ = bar.at(bytes, 0) }})
	bar.end()
	for _, left := range result.Left {
		i.note("%q: %s", left.Path, left.Why)
	}
	if err != nil {
		return err
	}
	i.note("%d entries, %s", result.Entries, quantity(result.Bytes, "bytes"))
	return nil
}
