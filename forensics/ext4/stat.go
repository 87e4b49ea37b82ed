package ext4

import (
	"encoding/binary"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// stat is what the kernel's statx tells of the inode.
func (in *Inode) stat() volume.Stat {
	major, minor := in.device()
	return volume.Stat{
		Inode: uint64(in.Number), Mode: uint32(in.Mode), UID: in.UID, GID: in.GID, Links: uint32(in.Links), Generation: in.Generation,
		Major: major, Minor: minor, Size: in.Size, Accessed: in.Accessed, Modified: in.Modified, Changed: in.Changed, Created: in.Created,
	}
}

// device takes a device number apart: the old encoding of 16 bits stands in the first pointer, the new one of 32 in the
// second (linux/kdev_t.h).
func (in *Inode) device() (major, minor uint32) {
	if !in.isDevice() {
		return 0, 0
	}
	if old := binary.LittleEndian.Uint32(in.data[:]); old != 0 {
		return old >> 8 & 0xFF, old & 0xFF
	}
	d := binary.LittleEndian.Uint32(in.data[4:])
	return d >> 8 & 0xFFF, d&0xFF | d>>12&0xFFF00
}
