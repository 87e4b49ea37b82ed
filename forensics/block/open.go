package block

import (
	"context"
	"errors"
	"regexp"
)

// Source is a disk under analysis: a Device that can be told what will be read, and says what was.
type Source interface {
	Device
	// Prefetch says that so many bytes at an offset will be read soon. It does not wait.
	Prefetch(off, length int64)
	// Remote tells a disk that is read over a network: it pays to say early what will be read.
	Remote() bool
	// Stats says what reading has cost so far.
	Stats() Stats
	// Close ends what is under way. Reads that come later fail.
	Close() error
}

// OpenOptions choose how a disk is opened. The zero value reads a snapshot with the SDK's own configuration and keeps
// nothing on this machine's disk.
type OpenOptions struct {
	Options

	Region string // of the snapshot; empty leaves it to the SDK
	Local  Local  // where blocks of a snapshot are kept
	// Client makes the client of the EBS direct APIs; NewEBSClient when nil.
	Client func(ctx context.Context, region string) (EBS, error)
}

var snapshotID = regexp.MustCompile(`^snap-[0-9a-f]{8,32}$`)

// IsSnapshot tells a snapshot's id from the path of an image: an image of such a name is opened as ./snap-….
func IsSnapshot(name string) bool { return snapshotID.MatchString(name) }

// Open opens a disk by what a person calls it: the id of an EBS snapshot, or the path of a raw image. When ctx ends, reads
// of a snapshot end with its error; Close must be called all the same. Errors of the service are *APIError; ErrBusy tells
// that another analysis uses the place where blocks are kept.
func Open(ctx context.Context, name string, o OpenOptions) (Source, error) {
	if !IsSnapshot(name) {
		file, err := OpenFile(name)
		if err != nil { // a nil pointer must not become an interface that is not nil
			return nil, err
		}
		return file, nil
	}
	if o.Client == nil {
		o.Client = NewEBSClient
	}
	client, err := o.Client(ctx, o.Region)
	if err != nil {
		return nil, err
	}
	s, err := OpenSnapshot(ctx, client, name, o.Options)
	if err != nil {
		return nil, err
	}
	return s.OpenReader(ctx, o.Local)
}

// OpenReader is Device with a place on this machine's disk where blocks are kept.
func (s *Snapshot) OpenReader(ctx context.Context, keep Local) (*Reader, error) {
	if keep.Dir == "" {
		return s.reader(ctx, nil), nil
	}
	if !IsSnapshot(s.id) { // it becomes a file's name
		return nil, errors.New("blocks are kept only of snapshots whose id is one")
	}
	kept, err := openLocal(s, keep)
	if err != nil {
		return nil, err
	}
	return s.reader(ctx, kept), nil
}
