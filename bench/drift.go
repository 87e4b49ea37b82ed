package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/drift"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/overlay"
)

// driftOf is the analysis as a process of its own: the containers on an image or snapshot, what each has changed, and, on
// told, what reading it has cost.
func driftOf(ctx context.Context, name, keep string, out, told io.Writer) (err error) {
	if err := os.MkdirAll(filepath.Join(keep, "scratch"), 0o700); err != nil {
		return err
	}
	source, err := block.Open(ctx, name, block.OpenOptions{Local: block.Local{Dir: keep}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	disk, err := image.Open(source, image.Options{})
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(out)
	go disk.ReadAhead(ctx)
	for _, v := range disk.Volumes {
		if err := volumeDrift(ctx, v, filepath.Join(keep, "scratch"), buffered); err != nil {
			return err
		}
	}
	return errors.Join(buffered.Flush(), json.NewEncoder(told).Encode(source.Stats()))
}

// atOnce is how many containers are compared at a time: each waits for the blocks of its own layers.
const atOnce = 32

func volumeDrift(ctx context.Context, v image.Volume, scratch string, out io.Writer) error {
	list, err := containers.List(ctx, v.FS, scratch)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(list); err != nil {
		return err
	}
	queue := make(chan chan compared, atOnce)
	go func() {
		defer close(queue)
		for _, c := range list.Containers {
			result := make(chan compared, 1)
			queue <- result
			go func() { result <- compareOne(ctx, v, c) }()
		}
	}()
	for result := range queue { // in the order of the list
		one := <-result
		_, failed := out.Write(one.lines)
		err = errors.Join(err, one.err, failed)
	}
	return err
}

// compared is one container's drift.
type compared struct {
	lines []byte
	err   error
}

func compareOne(ctx context.Context, v image.Volume, c containers.Container) compared {
	var layers []overlay.Layer
	for _, at := range c.Layers {
		layers = append(layers, overlay.Layer{Tree: v.FS, Root: at})
	}
	if len(layers) == 0 {
		return compared{}
	}
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	sum, err := drift.Compare(ctx, layers, drift.Options{}, func(ch drift.Change) error { return lines.Encode(ch) })
	return compared{lines: b.Bytes(), err: errors.Join(err, lines.Encode(sum))}
}
