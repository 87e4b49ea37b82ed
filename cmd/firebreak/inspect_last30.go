package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
)

const lastHashed = 10 << 30 // bytes hashed for one look at the last writes

// showLast lists what the disk in its place does not show: what its journal alone knows.
func showLast(ctx context.Context, i *inspection, _ string) error {
	if i.flags.inPlace {
		return usage(errors.New("last30 compares the disk in its place with its journal: it cannot be asked --in-place"))
	}
	v, err := i.volume()
	if err != nil {
		return err
	}
	i.ahead(ctx)
	layers, err := i.layersOf(ctx, v)
	if err != nil {
		return err
	}
	shown, bar := i.lines(lastHead), i.progress("compare", "entries")
	n := 0
	err = lastwrites.Compare(ctx, v, lastwrites.Options{
		Since: i.flags.since.Time, Directories: true, Hash: lastwrites.NewBudget(lastHashed), Layers: layers,
		Progress: func(entries int) error { return bar.at(int64(entries), 0) },
	}, func(ch lastwrites.Change) error {
		n++
		return shown.add(ch, lastLine(ch))
	})
	bar.end()
	if err := errors.Join(err, shown.end("nothing: "+journalWords(v.Replayed()))); err != nil {
		return err
	}
	if n > 0 {
		i.note("%d changes; the journal: %s", n, journalWords(v.Replayed()))
	}
	return nil
}

// layersOf finds in whose layers the paths of a file system lie.
func (i *inspection) layersOf(ctx context.Context, v image.Volume) (*lastwrites.Layers, error) {
	listing, err := i.containersOn(ctx, v)
	if err != nil {
		return nil, err
	}
	for _, problem := range listing.Problems {
		i.note("%s: %s", v.Part, problem)
	}
	return lastwrites.NewLayers(v.FS, listing), nil
}

// lastLine is a change on one line.
func lastLine(ch lastwrites.Change) string {
	if ch.Kind == lastwrites.Unread {
		return fmt.Sprintf("%s\t\t\t\t/%s: %s", ch.Kind, safe(ch.Path), safe(ch.Problem))
	}
	alone := ""
	if ch.Alone {
		alone = "journal only"
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", ch.Kind, ch.Changed.UTC().Format("15:04:05.000"), alone, safe(cmp.Or(ch.Pod, ch.Container, ch.Layer)), safe(seenAs(ch)))
}

// seenAs is the path of a change where it is looked for: inside of a container, or on the node.
func seenAs(ch lastwrites.Change) string {
	p := "/" + ch.Path
	if ch.Inside != "" {
		p = path.Join("/", ch.Inside)
	}
	if ch.SHA256 != "" {
		p += "  sha256:" + ch.SHA256
	}
	return p
}

// lastHead names the columns.
const lastHead = "CHANGE\tAT (UTC)\tKNOWN BY\tWHERE\tPATH"
