package xfs

import (
	"encoding/binary"
	"fmt"
)

// features are the four sets that version 5 has.
type features struct {
	roCompat    uint32
	incompat    uint32
	logIncompat uint32
}

// Incompatible features that change how an image is read.
const (
	incompatFileType    = 0x1
	incompatMetaUUID    = 0x4
	incompatNeedsRepair = 0x10
	incompatMetaDir     = 0x100
	incompatZoned       = 0x200
)

// knownIncompat is every incompatible feature that this reader handles, or that does not change what it reads: file
// types, sparse inodes, metadata uuid, bigtime, needs repair, large extent counts, exchange of ranges, parent pointers.
const knownIncompat = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40 | 0x80

func parseFeatures(b []byte) features {
	be := binary.BigEndian
	return features{roCompat: be.Uint32(b[212:]), incompat: be.Uint32(b[216:]), logIncompat: be.Uint32(b[220:])}
}

// checkSupport refuses by name what this reader does not know.
func (s *superblock) checkSupport(realtime uint64, inProgress byte) error {
	switch {
	case s.version != 4 && s.version != 5:
		return &UnsupportedError{Feature: fmt.Sprintf("version %d", s.version)}
	case s.bits&versionDirV2 == 0:
		return &UnsupportedError{Feature: "directories of version 1"}
	case inProgress != 0:
		return fmt.Errorf("the file system was never made whole: mkfs did not end")
	case realtime != 0:
		return &UnsupportedError{Feature: "realtime device"}
	case s.logStart == 0:
		return &UnsupportedError{Feature: "external log"}
	case s.incompat&^uint32(knownIncompat) != 0:
		return &UnsupportedError{Feature: featureName(s.incompat &^ uint32(knownIncompat))}
	}
	return nil
}

// featureName gives the names that mkfs uses, where there is one.
func featureName(bits uint32) string {
	switch {
	case bits&incompatMetaDir != 0:
		return "metadir"
	case bits&incompatZoned != 0:
		return "zoned"
	}
	return fmt.Sprintf("incompat %#x", bits)
}
