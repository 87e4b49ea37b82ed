package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// showBytes writes a file as it is: whoever wants its raw bytes sends them to a file. A terminal gets them escaped.
func showBytes(ctx context.Context, i *inspection, arg string) error {
	p, err := onDisk(arg)
	if err != nil {
		return err
	}
	tree, err := i.tree(ctx)
	if err != nil {
		return err
	}
	info, err := tree.Stat(p)
	if err != nil {
		return asked(arg, err)
	}
	if !info.Mode().IsRegular() {
		stat, _ := volume.StatOf(info)
		return wrongf("%q is a %s, not a regular file", arg, kindOfFile(stat.Mode))
	}
	f, err := tree.OpenFound(info)
	if err != nil {
		return asked(arg, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	screen := i.screen()
	_, err = io.Copy(screen, stoppable{ctx, f})
	if err := errors.Join(err, screen.Close()); err != nil {
		return fmt.Errorf("read %q: %w", arg, err)
	}
	return nil
}

// stoppable is a reader that a person can interrupt.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}
