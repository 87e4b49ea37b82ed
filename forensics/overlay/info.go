package overlay

import (
	"io/fs"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// spot is a file of one layer.
type spot struct {
	layer int
	path  string // in the layer's tree
	info  fs.FileInfo
	names []fs.DirEntry // of a directory that is being listed, in order; nil otherwise
}

// Info describes one entry of the view.
type Info struct {
	name   string
	spots  []spot // the uppermost, which shows, first; of a directory also those that it is merged from
	data   *spot  // where the bytes are, if not in the first
	noData error  // why the bytes cannot be read
}

func (i *Info) mode() fs.FileMode { return i.spots[0].info.Mode() }

func (i *Info) bytes() spot {
	if i.data != nil {
		return *i.data
	}
	return i.spots[0]
}

// Name is the last element of the path.
func (i *Info) Name() string { return i.name }

// Size is the length in bytes.
func (i *Info) Size() int64 { return i.spots[0].info.Size() }

// Mode is the type and the permissions.
func (i *Info) Mode() fs.FileMode { return i.mode() }

// ModTime is when the content last changed.
func (i *Info) ModTime() time.Time { return i.spots[0].info.ModTime() }

// IsDir tells directories.
func (i *Info) IsDir() bool { return i.mode().IsDir() }

// Sys gives what the layer's own tree says.
func (i *Info) Sys() any { return i.spots[0].info.Sys() }

// Stat is what the kernel's statx tells; FS says of which file the inode number is.
func (i *Info) Stat() volume.Stat {
	s, _ := volume.StatOf(i.spots[0].info)
	if i.IsDir() && len(i.spots) > 1 {
		s.Links = 1
	}
	return s
}

// dirEntry is an entry of a list. What could not be read of it is told by wrong; info may be nil then.
type dirEntry struct {
	name  string
	kind  fs.FileMode
	info  *Info
	wrong error
}

func (d *dirEntry) Name() string               { return d.name }
func (d *dirEntry) IsDir() bool                { return d.Type().IsDir() }
func (d *dirEntry) String() string             { return fs.FormatDirEntry(d) }
func (d *dirEntry) Info() (fs.FileInfo, error) { return asFileInfo(d.info, d.wrong) }

func (d *dirEntry) Type() fs.FileMode {
	if d.info != nil {
		return d.info.mode().Type()
	}
	return d.kind
}

// asFileInfo keeps a nil pointer from becoming an interface that is not nil.
func asFileInfo(i *Info, err error) (fs.FileInfo, error) {
	if i == nil {
		return nil, err
	}
	return i, nil
}
