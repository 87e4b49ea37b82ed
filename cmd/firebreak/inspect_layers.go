package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/firebreak-ir/firebreak/forensics/analysis"
	"github.com/firebreak-ir/firebreak/forensics/containers"
)

const layersHead = "STATE\tKIND\tIMAGE\tDIGEST\tWHAT"

// showLayers holds every layer of the disk's images against the digest that it is named for.
func showLayers(ctx context.Context, i *inspection, _ string) error {
	v, err := i.volume()
	if err != nil {
		return err
	}
	i.ahead(ctx)
	scratch, err := os.MkdirTemp("", "firebreak-layers-")
	if err != nil {
		return err
	}
	checks, found, problems, err := analysis.Layers(ctx, v, nil, scratch)
	if err := errors.Join(err, os.RemoveAll(scratch)); err != nil {
		return err
	}
	for _, problem := range problems {
		i.note("%s", problem)
	}
	shown := i.lines(layersHead)
	var errs []error
	for _, c := range checks {
		errs = append(errs, shown.add(c, checkLine(c)))
	}
	if err := errors.Join(append(errs, shown.end("no images"))...); err != nil {
		return err
	}
	if len(found) > 0 {
		return wrongf("%d files are not as their images have them", len(found))
	}
	return nil
}

func checkLine(c containers.Check) string {
	what := c.Why
	if c.Entries > 0 {
		what = fmt.Sprintf("%d entries compared", c.Entries)
	}
	if c.Count > 0 && len(c.Differences) > 0 {
		d := c.Differences[0]
		what = fmt.Sprintf("%d differences, the first: %q %s %s", c.Count, d.Path, d.What, d.Field)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", c.State, c.Kind, safe(cut(c.Image, 60)), safe(cut(cmp.Or(c.Digest, c.DiffID), 24)), safe(what))
}
