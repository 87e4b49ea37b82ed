package xfs

import (
	"encoding/binary"
	"io/fs"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// time reads a time. The old form has 32 bits of seconds and 32 of nanoseconds; bigtime counts nanoseconds from the first
// second that the old form can hold, in December 1901.
func (in *Inode) time(b []byte) time.Time {
	be := binary.BigEndian
	if in.Flags2&flag2BigTime != 0 {
		ns := be.Uint64(b)
		return time.Unix(int64(ns/1e9)-1<<31, int64(ns%1e9)).UTC()
	}
	return time.Unix(int64(int32(be.Uint32(b))), int64(int32(be.Uint32(b[4:])))).UTC()
}

// stat is what the kernel's statx tells of the inode.
func (in *Inode) stat() volume.Stat {
	major, minor := in.device()
	return volume.Stat{
		Inode: in.Number, Mode: uint32(in.Mode), UID: in.UID, GID: in.GID, Links: in.Links, Generation: in.Generation,
		Major: major, Minor: minor, Size: in.Size, Accessed: in.Accessed, Modified: in.Modified, Changed: in.Changed, Created: in.Created,
	}
}

// device takes a device number apart: 14 bits of major and 18 of minor number.
func (in *Inode) device() (major, minor uint32) {
	if !in.isDevice() || in.data.format != formatDevice || len(in.data.raw) < 4 {
		return 0, 0
	}
	d := binary.BigEndian.Uint32(in.data.raw)
	return d >> 18, d & 0x3FFFF
}

// fileMode translates the mode of stat(2) to Go's.
func (in *Inode) fileMode() fs.FileMode {
	m := fs.FileMode(in.Mode & 0o777)
	if in.Mode&0x800 != 0 {
		m |= fs.ModeSetuid
	}
	if in.Mode&0x400 != 0 {
		m |= fs.ModeSetgid
	}
	if in.Mode&0x200 != 0 {
		m |= fs.ModeSticky
	}
	return m | fileType(in.Mode&volume.TypeMask)
}

// fileType translates the type in a mode.
func fileType(mode uint16) fs.FileMode {
	switch mode {
	case volume.TypeFIFO:
		return fs.ModeNamedPipe
	case volume.TypeChar:
		return fs.ModeDevice | fs.ModeCharDevice
	case volume.TypeDir:
		return fs.ModeDir
	case volume.TypeBlock:
		return fs.ModeDevice
	case volume.TypeRegular:
		return 0
	case volume.TypeLink:
		return fs.ModeSymlink
	case volume.TypeSocket:
		return fs.ModeSocket
	}
	return fs.ModeIrregular
}
