// Package inventory lists a file system: every entry with its stat and, where wanted, the SHA-256 of its bytes, in the
// order of Walk, with bounded memory. What cannot be read is an entry that says why. The list is the same whatever the number
// of workers, and a scan that was broken off goes on behind the last entry that was taken.
package inventory

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"unicode/utf8"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Entry is one name of a file system. A file with two names is two entries.
type Entry struct {
	Path    string      `json:"path"` // without a slash in front; the root is "."
	Stat    volume.Stat `json:"stat"` // zero but for what is known where the inode cannot be read
	Target  string      `json:"target,omitempty"`
	SHA256  string      `json:"sha256,omitempty"`  // in hex; empty when it was not hashed
	Problem string      `json:"problem,omitempty"` // what could not be read, and where

	cursor string // where another entry has the same path
}

// Cursor tells a later scan, as Options.After, to go on behind this entry. It is UTF-8, so that JSON keeps it, and is the
// path, but for paths that are not and for entries of a damaged directory that have the same name.
func (e Entry) Cursor() string {
	switch {
	case e.cursor != "":
		return e.cursor
	case utf8.ValidString(e.Path):
		return e.Path
	}
	return coded(e.Path)
}

// coded is a cursor that no path is.
func coded(text string) string { return "\x00" + hex.EncodeToString([]byte(text)) }

// Options choose what a scan does. The zero value lists and hashes nothing.
type Options struct {
	Hash bool
	// Keep chooses the files that are hashed, by all but their SHA256; nil means every regular file. It is called once for
	// each regular file, in order.
	Keep func(Entry) bool
	// MaxHashBytes bounds the length of a file that is hashed, holes included; zero means 64 GiB. A longer one has a Problem.
	MaxHashBytes int64
	// MaxHashTotal bounds the sum of the lengths of all files that could be hashed, chosen or not; zero means 16 TiB. Those
	// behind have a Problem.
	MaxHashTotal int64
	// Workers are the goroutines that read and hash at a time; zero means as many as there are processors.
	Workers int
	// MemoryBytes bounds what the scan holds, the file system's own cache not counted; zero means 128 MiB.
	MemoryBytes int64
	// After leaves out what stands before the entry with this cursor, and that entry. Such a scan reads the directories before
	// it again, but hashes nothing of them.
	After string
	// Progress is told how far the scan is, between two calls of do; nil for nobody.
	Progress func(Progress)
}

// Progress says how far a scan is.
type Progress struct {
	Entries int64  // handed to do
	Hashed  int64  // files among them that were hashed
	Bytes   int64  // of those files
	Cursor  string // of the last entry that do took
}

func (o Options) withDefaults() Options {
	if o.MaxHashBytes <= 0 {
		o.MaxHashBytes = 64 << 30
	}
	if o.MaxHashTotal <= 0 {
		o.MaxHashTotal = 16 << 40
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = 128 << 20
	}
	return o
}

// CursorError is an Options.After that no entry has: the cursor is of another image, or of another view of it.
type CursorError struct{ Cursor string }

// Error names the cursor.
func (e *CursorError) Error() string {
	return fmt.Sprintf("there is no entry %q to go on behind: it is of another file system or view", e.Cursor)
}

// Scan hands each entry to do, in the order of Walk: by names, each directory before what it holds. It calls do from one
// goroutine. Its error is the one that do gave, ctx's, or a CursorError; damage to the file system never is.
func Scan(ctx context.Context, disk volume.FS, opts Options, do func(Entry) error) error {
	opts = opts.withDefaults()
	s := &sink{ctx: ctx, after: opts.After, progress: opts.Progress, do: do}
	for {
		wrapped, ok := disk.(interface{ Unwrap() volume.FS })
		if !ok {
			break
		}
		disk = wrapped.Unwrap()
	}
	if bulk, ok := disk.(volume.Bulk); ok {
		return errors.Join(bulkScan(bulk, opts, s), s.end())
	}
	return errors.Join(plainScan(disk, opts, s), s.end())
}
