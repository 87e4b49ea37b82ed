package ext4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

const (
	aclVersion      = 1 // on the disk
	aclVersionShown = 2
	aclUser         = 0x02
	aclGroup        = 0x08
)

// aclAsShown gives an access control list as the kernel shows it (linux/posix_acl_xattr.h): on the disk, entries that are
// for no named user or group have no room for one (fs/ext4/acl.h).
func aclAsShown(b []byte) ([]byte, error) {
	le := binary.LittleEndian
	if len(b) < 4 || le.Uint32(b) != aclVersion {
		return nil, errors.New("an access control list of unknown kind")
	}
	out := le.AppendUint32(make([]byte, 0, 2*len(b)), aclVersionShown)
	for b = b[4:]; len(b) >= 4; {
		tag, id := le.Uint16(b), uint32(math.MaxUint32)
		out = append(out, b[:4]...)
		length := 4
		if tag == aclUser || tag == aclGroup {
			if length = 8; len(b) < length {
				break
			}
			id = le.Uint32(b[4:])
		}
		out, b = le.AppendUint32(out, id), b[length:]
	}
	if len(b) != 0 {
		return nil, fmt.Errorf("an access control list with %d bytes too many", len(b))
	}
	return out, nil
}
