package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/forensics/changed"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/partition"
)

const changedHead = "CHANGE\tTYPE\tWHERE\tWHAT\tPATH"

// showChanged says what the blocks belong to in which the disk differs from an earlier state of it.
func showChanged(ctx context.Context, i *inspection, earlier string) error {
	after, err := i.volume()
	if err != nil {
		return err
	}
	old, err := i.openInspection(ctx, earlier, i.flags)
	if err != nil {
		return err
	}
	before, err := old.same(after)
	if err != nil {
		return errors.Join(err, old.close())
	}
	layers, err := i.layersOf(ctx, after)
	if err != nil {
		return errors.Join(err, old.close())
	}
	in := changed.Input{
		Before: old.side(before), After: i.side(after),
		Owner: func(p string) string {
			place := layers.Find(p)
			return strings.Trim(place.Pod+" "+place.Container, " ")
		},
	}
	if in.Ranges, err = i.changedSince(ctx, earlier, after.Part); err != nil {
		return errors.Join(err, old.close())
	}
	report, err := changed.Map(ctx, in, changed.Options{})
	if err := errors.Join(err, old.close()); err != nil {
		return err
	}
	return i.printChanged(report)
}

// same finds the file system of an earlier state that lies where this one does.
func (i *inspection) same(as image.Volume) (image.Volume, error) {
	for _, v := range i.image.Volumes {
		if v.Part.Number == as.Part.Number && v.Part.Offset == as.Part.Offset {
			return v, nil
		}
	}
	return image.Volume{}, wrongf("%q has no file system that can be read where %s is", i.name, as.Part)
}

func (i *inspection) side(v image.Volume) changed.Side {
	return changed.Side{FS: v.Unwrap(), Disk: partition.Reader(i.device, v.Part), Size: v.Part.Size}
}

// changedSince asks EBS which blocks of two snapshots differ; of images, nobody knows.
func (i *inspection) changedSince(ctx context.Context, earlier string, part partition.Part) ([]changed.Stretch, error) {
	if !block.IsSnapshot(i.name) || !block.IsSnapshot(earlier) {
		return nil, nil
	}
	client, err := block.NewEBSClient(ctx, i.flags.region)
	if err != nil {
		return nil, err
	}
	snapshot, err := block.OpenSnapshot(ctx, client, i.name, block.Options{})
	if err != nil {
		return nil, err
	}
	ranges, err := snapshot.ChangedSince(ctx, earlier)
	out := []changed.Stretch{} // none is not the same as nobody knows
	for _, r := range ranges {
		from, to := max(r.Offset, part.Offset), min(r.Offset+r.Length, part.Offset+part.Size)
		if from < to {
			out = append(out, changed.Stretch{Offset: from - part.Offset, Length: to - from})
		}
	}
	return out, err
}

func (i *inspection) printChanged(r changed.Report) error {
	for _, problem := range r.Problems {
		i.note("%s", problem)
	}
	if i.flags.out.json() {
		return printJSON(i.stdout, r)
	}
	shown := i.lines(changedHead)
	var errs []error
	for _, f := range r.Files {
		errs = append(errs, shown.add(f, changedLine(f)))
	}
	errs = append(errs, shown.end("no file changed"))
	for _, area := range append(r.Areas, r.Unallocated) {
		if area.Bytes > 0 {
			i.note("%s of %s differ", quantity(area.Bytes, "bytes"), area.Kind)
		}
	}
	return errors.Join(errs...)
}

func changedLine(f changed.File) string {
	path := fmt.Sprintf("inode %d, without a name", f.Inode)
	if len(f.Paths) > 0 {
		path = "/" + strings.Join(f.Paths, ", /")
	}
	if len(f.OldPaths) > 0 {
		path += " (was /" + strings.Join(f.OldPaths, ", /") + ")"
	}
	what := f.Fields
	if n := pieces(f.Content); n > 0 {
		what = append([]string{quantity(n, "bytes") + " of content"}, what...)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", f.Change, f.Type, safe(f.Container), safe(strings.Join(what, ", ")), safe(path))
}

func pieces(all []changed.Piece) int64 {
	n := int64(0)
	for _, p := range all {
		n += p.Length
	}
	return n
}
