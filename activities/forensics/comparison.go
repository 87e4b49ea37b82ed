package forensics

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
)

// comparison judges the changes of one volume and writes them down.
type comparison struct {
	ctx    context.Context
	part   int
	layers *layers
	out    *lines
	told   map[string]bool // problems of the stores, which the walk meets again
}

// changesOn writes down what only the journal of a file system knows, and what changed since that time. The kernel writes
// a disk's metadata to its place every half minute, whatever its age: what was written seconds before the snapshot may
// stand in either view.
func changesOn(ctx context.Context, p paper, v image.Volume, since time.Time, hash *lastwrites.Budget, out *lines) error {
	if r := v.Replayed(); r.Transactions == 0 && r.Blocks == 0 && since.IsZero() {
		return nil
	}
	layers, err := layersOf(ctx, p, v)
	if err != nil {
		return err
	}
	c := &comparison{ctx: ctx, part: v.Part.Number, layers: layers, out: out}
	if err = c.tell(layers.problems); err == nil {
		err = lastwrites.Compare(ctx, v, lastwrites.Options{
			Since: since, Hash: hash, Known: out.resumed, Layers: layers.Layers, Progress: c.progress,
		}, c.add)
	}
	if !errors.Is(err, errFull) {
		return err
	}
	if err = c.unread(".", fmt.Errorf("the comparison ended early: %w", err)); errors.Is(err, errFull) { // said already, of the partition before
		return nil
	}
	return err
}

func (c *comparison) progress(entries int) error {
	activities.Report(c.ctx, activities.Progress{Done: int64(entries), Unit: "entries", Message: "compare the disk with its journal"})
	return c.out.to.Flush()
}

// tell lists what of the stores could not be read: the layers of those containers are nobody's.
func (c *comparison) tell(problems []string) error {
	told := map[string]bool{}
	for _, problem := range problems {
		place, why, _ := strings.Cut(problem, ": ")
		if err := c.unread(place, errors.New(why)); err != nil {
			return err
		}
		told[problem] = true
	}
	c.told = told
	return nil
}

func (c *comparison) unread(p string, err error) error {
	return c.add(lastwrites.Change{Kind: lastwrites.Unread, Partition: c.part, Path: p, Problem: err.Error()})
}

// add writes a change down, and once what could not be read.
func (c *comparison) add(found lastwrites.Change) error {
	ch := change{Change: found}
	if ch.Kind == lastwrites.Unread {
		if c.told[ch.Path+": "+ch.Problem] {
			return nil
		}
	} else {
		if ch.Layer != "" {
			ch.Unjudged = c.layers.look(ch.Layer).excuse(&ch)
		}
		ch.judge()
	}
	ch.short()
	return c.out.add(ch)
}
