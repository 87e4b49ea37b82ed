package xfs

import (
	"encoding/binary"
	"fmt"
)

const (
	aclEntry  = 12 // bytes on the disk: tag and id of 32 bits, permissions of 16, and padding
	aclNobody = 0xFFFFFFFF
)

// aclName gives the name by which the kernel shows an access list; for other attributes it is empty.
func aclName(name string) string {
	switch name {
	case "SGI_ACL_FILE":
		return "system.posix_acl_access"
	case "SGI_ACL_DEFAULT":
		return "system.posix_acl_default"
	}
	return ""
}

// aclValue turns an access list from the form that it has on the disk (xfs_acl.c) into that of linux/posix_acl_xattr.h.
func aclValue(b []byte) ([]byte, error) {
	be, le := binary.BigEndian, binary.LittleEndian
	if len(b) < 4 || uint64(be.Uint32(b))*aclEntry != uint64(len(b)-4) {
		return nil, fmt.Errorf("an access list of %d bytes is not whole", len(b))
	}
	out := le.AppendUint32(nil, 2) // version
	for b = b[4:]; len(b) > 0; b = b[aclEntry:] {
		tag, id := be.Uint32(b), be.Uint32(b[4:])
		if tag != 0x02 && tag != 0x08 { // only a named user and a named group have an id
			id = aclNobody
		}
		out = le.AppendUint16(out, uint16(tag))
		out = le.AppendUint16(out, be.Uint16(b[8:]))
		out = le.AppendUint32(out, id)
	}
	return out, nil
}
