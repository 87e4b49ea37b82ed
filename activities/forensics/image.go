package forensics

import (
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/partition"
)

// ImageInput is the input of the activities that read a disk image of the case.
type ImageInput struct {
	Image string `json:"image" doc:"The disk image's path inside the case, as forensics.read_snapshot gives it"`
}

// Journal says what a file system's journal held that its place on the disk did not.
type Journal struct {
	Transactions int       `json:"transactions" doc:"Committed transactions replayed in memory"`
	Blocks       int       `json:"blocks" doc:"Blocks that only the journal had in their newest state"`
	LastCommit   time.Time `json:"lastCommit,omitzero" doc:"When the last of them was committed, by the node's clock"`
}

// volume is one file system on an image.
type volume struct {
	part partition.Part
	disk *ext4.FS
	raw  *io.SectionReader
}

// opened is an image and the file systems on it that can be read.
type opened struct {
	file    *block.File
	volumes []volume
}

// close gives the file back. It was only read, so that closing it cannot lose anything.
func (o opened) close() { _ = o.file.Close() }

// openImage opens an image of the case. It is a file that this worker wrote: nothing of the disk chooses its path.
func openImage(p paper, name string) (opened, error) {
	local, err := p.c.Path(name)
	if err != nil {
		return opened{}, activities.Invalid(err, "give the image that forensics.read_snapshot returned")
	}
	file, err := block.OpenFile(local)
	if missing(err) {
		return opened{}, activities.Permanent(activities.NotFound, err, "run forensics.read_snapshot first, on a worker with the same evidence store")
	}
	if err != nil {
		return opened{}, err
	}
	volumes, err := volumesOf(file)
	if err != nil {
		_ = file.Close()
		return opened{}, unreadable(name, err)
	}
	return opened{file: file, volumes: volumes}, nil
}

func volumesOf(file *block.File) ([]volume, error) {
	parts, err := partition.Readable(file, file.Size())
	if err != nil {
		return nil, err
	}
	var out []volume
	var errs []error
	for _, part := range parts {
		raw := partition.Reader(file, part)
		disk, err := ext4.Open(raw, part.Size, ext4.Options{})
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", part, err))
			continue
		}
		out = append(out, volume{part, disk, raw})
	}
	if len(out) == 0 {
		return nil, errors.Join(errs...)
	}
	return out, nil
}

// unreadable says what a person can do with a disk that this package cannot read.
func unreadable(name string, err error) error {
	err = fmt.Errorf("read image %q: %w", name, err)
	var feature *ext4.UnsupportedError
	var table *partition.UnsupportedError
	if errors.As(err, &feature) || errors.As(err, &table) {
		return activities.Permanent(activities.Unsupported, err, "the image is in the evidence: read it with other tools, and let this step skip")
	}
	return activities.Permanent(activities.Corrupt, err, "the image is in the evidence: repair a copy of it with e2fsck and look there")
}

// journal adds up what the journals of the image held.
func (o opened) journal() Journal {
	var j Journal
	for _, v := range o.volumes {
		r := v.disk.Replayed()
		j.Transactions += r.Transactions
		j.Blocks += r.Blocks
		if r.LastCommit.After(j.LastCommit) {
			j.LastCommit = r.LastCommit
		}
	}
	return j
}

// damage lists what was wrong when the file systems were opened.
func (o opened) damage() []string {
	var out []string
	for _, v := range o.volumes {
		for _, err := range v.disk.Damage() {
			out = append(out, fmt.Sprintf("%s: %s", v.part, oneLine(err.Error())))
		}
	}
	return out
}

// beside gives the name of a file next to an image.
func beside(image, name string) string { return path.Join(path.Dir(image), name) }
