// Package ext4 reads ext2, ext3 and ext4 images without mounting them: read-only, as an io/fs.FS, with the journal replayed
// in memory. The image is taken for hostile: every loop, depth, size and allocation is bounded, and damage is an error
// that names its place.
package ext4

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

const maxErrors = 100 // of one kind; more tell nothing new

// Options choose how an image is read. The zero value replays the journal.
type Options struct {
	// SkipJournal shows the image as it lies on the disk, without what only its journal knows.
	SkipJournal bool
	// CacheBytes bounds the blocks of metadata kept in memory; zero means 32 MiB.
	CacheBytes int64
	// MaxJournalBlocks bounds the journal; zero means one million.
	MaxJournalBlocks int
	// MaxDirEntries bounds one directory, and the directories that a walk is in at once; zero means four million.
	MaxDirEntries int
	// MaxNameBytes bounds the names of the same; zero means 256 MiB.
	MaxNameBytes int64
	// MaxDirBytes bounds the blocks of one directory; zero means 1 GiB.
	MaxDirBytes int64
}

func (o Options) withDefaults() Options {
	if o.CacheBytes <= 0 {
		o.CacheBytes = 32 << 20
	}
	if o.MaxJournalBlocks <= 0 {
		o.MaxJournalBlocks = 1 << 20
	}
	if o.MaxDirEntries <= 0 {
		o.MaxDirEntries = 4 << 20
	}
	if o.MaxNameBytes <= 0 {
		o.MaxNameBytes = 256 << 20
	}
	if o.MaxDirBytes <= 0 {
		o.MaxDirBytes = 1 << 30
	}
	return o
}

func (o Options) maxDirBlocks(blockSize int64) int64 { return o.MaxDirBytes / blockSize }

// FS is a file system on an image. It is safe for concurrent use.
type FS struct {
	super  superblock
	dev    *device
	limits Options
	replay volume.Replay
	damage []error
	met    met
	groups badGroups
	zones  zones
	fast   *fastState // nil where there are no fast commits
}

// Open reads the superblock and, unless told otherwise, replays the journal in memory. size is the image's length. An
// image that is no ext4, or uses a feature that this package does not know, is an error; a damaged journal is not: what it
// still holds is replayed and Damage says the rest.
func Open(r io.ReaderAt, size int64, opts Options) (*FS, error) {
	if size < superOffset+superSize {
		return nil, damaged("superblock", "the image has only %d bytes", size)
	}
	f := &FS{limits: opts.withDefaults()}
	found, err := findSuper(r, size)
	if err != nil {
		return nil, fmt.Errorf("superblock: %w", err)
	}
	f.super = found.super
	if found.wrong != nil {
		f.note(found.wrong)
	}
	s := &f.super
	f.dev = newDevice(r, size, s.blockSize, f.limits.CacheBytes)
	if uint64(size/s.blockSize) < s.blocks {
		f.note(damaged("superblock", "the file system has %d blocks, the image only %d", s.blocks, size/s.blockSize))
	}
	f.recover(found.spare)
	return f, nil
}

// recover replays the journal and then reads the superblock again, which the journal may hold in a newer copy. A spare
// superblock does not know whether that is needed: the journal does.
func (f *FS) recover(spare bool) {
	f.replay.Needed = f.super.needsRecovery() && !spare
	ask := f.replay.Needed || spare && f.super.hasJournal()
	if f.limits.SkipJournal || !ask {
		return
	}
	if err := f.replayJournal(); err != nil {
		f.note(err)
	}
	b, err := f.dev.block(f.super.superBlock())
	if err == nil {
		err = f.newerSuper(b[f.super.superInBlock():])
	}
	if err != nil && !spare {
		f.note(damaged("superblock", "its copy after the replay is not used: %w", err))
	}
}

func (f *FS) newerSuper(b []byte) error {
	s, err := parseSuper(b)
	switch {
	case err != nil:
		return err
	case s.blockSize != f.super.blockSize: // the rest may have grown
		return fmt.Errorf("blocks of %d bytes in a file system of %d", s.blockSize, f.super.blockSize)
	case !superSumRight(b):
		return errSum
	}
	f.super = s
	return nil
}

func (f *FS) note(err error) {
	if len(f.damage) < maxErrors {
		f.damage = append(f.damage, err)
	}
}

// Replayed says what the journal held.
func (f *FS) Replayed() volume.Replay { return f.replay }

// Damage gives what was found wrong when the image was opened and then, in the order of places, what was found wrong so
// far without keeping anything from being read.
func (f *FS) Damage() []error { return append(slices.Clone(f.damage), f.met.all()...) }

// UUID is the file system's own id, as blkid prints it.
func (f *FS) UUID() string {
	u := f.super.uuid
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// Label is the volume's name.
func (f *FS) Label() string { return f.super.label }

// BlockSize is the size of one block in bytes.
func (f *FS) BlockSize() int64 { return f.super.blockSize }

// Info describes one file; Sys gives the *Inode.
type Info struct {
	name  string
	inode *Inode
}

// Name is the last element of the path.
func (i *Info) Name() string { return i.name }

// Size is the length in bytes.
func (i *Info) Size() int64 { return i.inode.Size }

// Mode is the type and the permissions.
func (i *Info) Mode() fs.FileMode { return i.inode.fileMode() }

// ModTime is when the content last changed.
func (i *Info) ModTime() time.Time { return i.inode.Modified }

// IsDir tells directories.
func (i *Info) IsDir() bool { return i.inode.isDir() }

// Sys gives the *Inode.
func (i *Info) Sys() any { return i.inode }

// Inode is the inode itself.
func (i *Info) Inode() *Inode { return i.inode }

// Stat is what the kernel's statx tells.
func (i *Info) Stat() volume.Stat { return i.inode.stat() }
