// Package image opens the file systems of a disk, each by the reader for its kind, and names the parts that cannot be read.
package image

import (
	"errors"
	"fmt"
	"io"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/partition"
	"github.com/firebreak-ir/firebreak/forensics/volume"
	"github.com/firebreak-ir/firebreak/forensics/xfs"
)

// Disk is the bytes of a whole disk: an image file, or a snapshot read block by block.
type Disk interface {
	io.ReaderAt
	Size() int64 // in bytes
}

// Options choose how a disk is read. The zero value replays the journals.
type Options struct {
	// SkipJournal shows the file systems as they lie on the disk, without what only their journals know.
	SkipJournal bool
	// MaxVolumes bounds the file systems opened, each of which has a cache in memory; zero means 16.
	MaxVolumes int
}

// Volume is one file system of a disk.
type Volume struct {
	volume.FS
	Part partition.Part

	disk Disk
}

// Unwrap gives the reader itself, which may offer more than every FS does.
func (v Volume) Unwrap() volume.FS { return v.FS }

// InPlace opens the file system anew, as it lies on the disk: without what only its journal knows, which is how readers
// that do not replay it see it.
func (v Volume) InPlace() (volume.FS, error) {
	return open(partition.Reader(v.disk, v.Part), v.Part, Options{SkipJournal: true})
}

// Unread is a part of a disk that cannot be read, and why.
type Unread struct {
	Part    partition.Part `json:"part"`
	Why     string         `json:"why"`
	Damaged bool           `json:"damaged,omitempty"` // it is of a kind that can be read
}

// Image is an opened disk.
type Image struct {
	Volumes []Volume
	Unread  []Unread
}

// String says what a person has to look at with other tools.
func (u Unread) String() string {
	if u.Part == (partition.Part{}) {
		return "not every partition may be listed: " + u.Why
	}
	return fmt.Sprintf("%s, %d MiB, was not read: %s", u.Part, u.Part.Size>>20, u.Why)
}

// Open opens every part of a disk. Its error is damage that leaves nothing to read; a disk on which nothing is of a kind
// that can be read has no volumes and is no error.
func Open(disk Disk, opts Options) (*Image, error) {
	if opts.MaxVolumes <= 0 {
		opts.MaxVolumes = 16
	}
	parts, err := partition.Find(disk, disk.Size())
	if err != nil && len(parts) == 0 {
		return nil, err
	}
	out := &Image{}
	if err != nil { // what the table still says is read
		out.Unread = append(out.Unread, Unread{Why: err.Error()})
	}
	if len(parts) == 0 {
		parts = []partition.Part{{Size: disk.Size(), Kind: partition.Unknown}}
	}
	var errs []error
	for _, part := range parts {
		errs = append(errs, out.add(disk, part, opts))
	}
	if len(out.Volumes) == 0 {
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// add opens one part, or lists why it is not read; its error is damage to a file system of a kind that can be.
func (i *Image) add(disk Disk, part partition.Part, opts Options) error {
	found, err := i.openPart(disk, part, opts)
	if err == nil {
		i.Volumes = append(i.Volumes, Volume{FS: found, Part: part, disk: disk})
		return nil
	}
	damaged := readable(part.Kind) && !unsupported(err)
	i.Unread = append(i.Unread, Unread{Part: part, Why: err.Error(), Damaged: damaged})
	if !damaged {
		return nil
	}
	return fmt.Errorf("%s: %w", part, err)
}

func (i *Image) openPart(disk Disk, part partition.Part, opts Options) (volume.FS, error) {
	if !readable(part.Kind) {
		return nil, errors.New(foreign(part.Kind))
	}
	if len(i.Volumes) == opts.MaxVolumes {
		return nil, fmt.Errorf("the image has more than %d file systems", opts.MaxVolumes)
	}
	for _, v := range i.Volumes {
		if part.Offset < v.Part.Offset+v.Part.Size && v.Part.Offset < part.Offset+part.Size {
			return nil, fmt.Errorf("it overlaps %s", v.Part)
		}
	}
	return open(partition.Reader(disk, part), part, opts)
}

// open is the one place that knows which reader is for which kind.
func open(r io.ReaderAt, part partition.Part, opts Options) (volume.FS, error) {
	if part.Kind == partition.XFS {
		return orNil(xfs.Open(r, part.Size, xfs.Options{SkipJournal: opts.SkipJournal}))
	}
	return orNil(ext4.Open(r, part.Size, ext4.Options{SkipJournal: opts.SkipJournal}))
}

// orNil keeps a nil pointer from becoming an interface that is not nil.
func orNil[F volume.FS](disk F, err error) (volume.FS, error) {
	if err != nil {
		return nil, err
	}
	return disk, nil
}

func readable(kind partition.Kind) bool { return kind == partition.Ext4 || kind == partition.XFS }

func unsupported(err error) bool {
	var ofExt4 *ext4.UnsupportedError
	var ofXFS *xfs.UnsupportedError
	return errors.As(err, &ofExt4) || errors.As(err, &ofXFS)
}

// foreign says why a part of that kind is not read.
func foreign(kind partition.Kind) string {
	switch kind {
	case partition.LUKS:
		return "it is encrypted"
	case partition.LVM:
		return "logical volumes are not supported"
	case partition.Swap:
		return "swap space holds no files"
	case partition.Unknown:
		return "no known file system begins there"
	}
	return "the file system is not supported; ext2, ext3, ext4 and XFS are"
}
