package xfs

import "encoding/binary"

// carrier says where a kind of metadata carries its age (the position in the log of its last change) and the id of its file
// system.
type carrier struct{ age, uuid int }

// carriers are the kinds whose first four bytes tell them (xlog_recover_get_buf_lsn).
func carriers(magic uint32) (carrier, bool) {
	switch magic {
	case 0x41425442, 0x41425443, 0x41423342, 0x41423343, // trees of free space
		0x49414254, 0x49414233, 0x46494254, 0x46494233, // of inodes, and of free ones
		0x524D4233, 0x52334643: // of owners and of shared blocks
		return carrier{24, 32}, true
	case treeMagic4, treeMagic5:
		return carrier{32, 40}, true
	case agfMagic:
		return carrier{208, 64}, true
	case aglMagic:
		return carrier{24, 8}, true
	case agiMagic:
		return carrier{320, 296}, true
	case linkMagic:
		return carrier{48, 16}, true
	case dirBlock5, dirData5, 0x58444633: // the last lists the free space of a directory
		return carrier{16, 24}, true
	case 0x58465342: // "XFSB"
		return carrier{240, 32}, true
	}
	return carrier{}, false
}

// age tells when a piece of metadata was last changed, by what is on the disk and by what was replayed. It is zero or
// unknown where the piece does not say, or is a left-over of another file system.
func (r *replayer) age(off int64) (uint64, error) {
	if !r.fs.super.checksums() {
		return ageUnknown, nil
	}
	b, err := r.fs.dev.fresh(off, sectorSize)
	if err != nil {
		return 0, err
	}
	be := binary.BigEndian
	c, ok := carriers(be.Uint32(b))
	if !ok {
		switch be.Uint16(b[8:]) {
		case 0x3DF1, 0x3DFF, attrNode5, attrLeaf5: // the index of a directory, and attributes
			c = carrier{24, 32}
		default:
			return ageUnknown, nil
		}
	}
	uuid := r.fs.super.metaUUID
	if be.Uint32(b) == 0x58465342 && r.fs.super.incompat&incompatMetaUUID != 0 {
		c.uuid = 248
	}
	if [16]byte(b[c.uuid:]) != uuid {
		return ageUnknown, nil
	}
	if settled, ok := r.ages[off]; ok {
		return settled, nil
	}
	return be.Uint64(b[c.age:]), nil
}
