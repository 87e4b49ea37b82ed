// Package xfs reads XFS images, versions 4 and 5, without mounting them: read-only, as an io/fs.FS, with the log recovered
// in memory. The image is taken for hostile: every loop, depth, size and allocation is bounded, and damage is an error
// that names its place. Checksums are verified and reported; what they cover is read all the same.
package xfs

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

const maxErrors = 100 // of one kind; more tell nothing new

// Options choose how an image is read. The zero value replays the log.
type Options struct {
	// SkipJournal shows the image as it lies on the disk, without what only its log knows.
	SkipJournal bool
	// CacheBytes bounds the metadata kept in memory; zero means 32 MiB.
	CacheBytes int64
	// MaxReplayBytes bounds what the log's changes take in memory; zero means 192 MiB.
	MaxReplayBytes int64
	// MaxDirEntries bounds one directory, and the directories that a walk is in at once; zero means four million.
	MaxDirEntries int
	// MaxNameBytes bounds the names of the same; zero means 256 MiB.
	MaxNameBytes int64
	// MaxDirBytes bounds the blocks of one directory; zero means 1 GiB.
	MaxDirBytes int64
}

func (o Options) withDefaults() Options {
	setDefault(&o.CacheBytes, 32<<20)
	setDefault(&o.MaxReplayBytes, 192<<20)
	setDefault(&o.MaxNameBytes, 256<<20)
	setDefault(&o.MaxDirBytes, 1<<30)
	if o.MaxDirEntries <= 0 {
		o.MaxDirEntries = 4 << 20
	}
	return o
}

func setDefault(n *int64, value int64) {
	if *n <= 0 {
		*n = value
	}
}

// FS is a file system on an image. It is safe for concurrent use.
type FS struct {
	super  superblock
	dev    *device
	limits Options
	replay volume.Replay
	// reowned are inodes whose trees of extents were another's: the log says so, and the blocks not yet.
	reowned map[uint64]struct{}

	mu     sync.Mutex
	damage []error
}

// Open reads the superblock and, unless told otherwise, replays the log in memory. size is the image's length. An image
// that is no XFS, or uses a feature that this package does not know, is an error; a damaged log is not: what it still
// holds is replayed and Damage says the rest.
func Open(r io.ReaderAt, size int64, opts Options) (*FS, error) {
	if size < superSize {
		return nil, damaged("superblock", "the image has only %d bytes", size)
	}
	b := make([]byte, superSize)
	if n, err := r.ReadAt(b, 0); n < len(b) {
		return nil, fmt.Errorf("read superblock: %w", err)
	}
	s, err := parseSuper(b)
	if err != nil {
		return nil, fmt.Errorf("superblock: %w", err)
	}
	f := &FS{super: s, limits: opts.withDefaults(), reowned: map[uint64]struct{}{}}
	f.dev = newDevice(r, size, s.blockSize, f.limits.CacheBytes)
	if uint64(size/s.blockSize) < s.blocks {
		f.note(damaged("superblock", "the file system has %d blocks, the image only %d", s.blocks, size/s.blockSize))
	}
	f.recoverLog()
	f.checkGroups()
	return f, nil
}

func (f *FS) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.damage) < maxErrors {
		f.damage = append(f.damage, err)
	}
}

// noteOnce is for what is met while files are read, whoever reads them, and however often.
func (f *FS) noteOnce(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	same := func(other error) bool { return other.Error() == err.Error() }
	if len(f.damage) < maxErrors && !slices.ContainsFunc(f.damage, same) {
		f.damage = append(f.damage, err)
	}
}

// Replayed says what the log held.
func (f *FS) Replayed() volume.Replay { return f.replay }

// Damage gives what was found wrong when the image was opened, and in the block maps of the files that were read since.
func (f *FS) Damage() []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Clone(f.damage)
	slices.SortStableFunc(out, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return out
}

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
