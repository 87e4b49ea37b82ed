package partition

import "io"

// mark is where a format writes what it is.
type mark struct {
	kind Kind
	at   int64
	text string
}

// marks are in the order in which they are asked: what encloses others first.
func marks() []mark {
	return []mark{
		{LUKS, 0, "LUKS\xba\xbe"}, {LUKS, 0x4000, "SKUL\xba\xbe"}, // its second header, where the first was wiped
		{BitLocker, 3, "-FVE-FS-"},
		{RAID, 4096, "\xfc\x4e\x2b\xa9"}, {RAID, 0, "\xfc\x4e\x2b\xa9"},
		{LVM, 512, "LABELONE"}, {LVM, 0, "LABELONE"}, {LVM, 1024, "LABELONE"}, {LVM, 1536, "LABELONE"},
		{XFS, 0, "XFSB"},
		{Ext4, 1024 + 0x38, "\x53\xef"},
		{Squashfs, 0, "hsqs"}, {EROFS, 1024, "\xe2\xe1\xf5\xe0"}, {Verity, 0, "verity\x00\x00"}, {NTFS, 3, "NTFS    "},
		{Btrfs, 64<<10 + 0x40, "_BHRfS_M"},
		{Swap, 4096 - 10, "SWAPSPACE2"},
		{FAT, 82, "FAT32   "}, {FAT, 54, "FAT16   "}, {FAT, 54, "FAT12   "},
	}
}

// detect tells what begins at offset. What cannot be read is unknown.
func detect(r io.ReaderAt, offset, size int64) Kind {
	for _, m := range marks() {
		b := make([]byte, len(m.text))
		if m.at+int64(len(b)) > size {
			continue
		}
		if n, _ := r.ReadAt(b, offset+m.at); n == len(b) && string(b) == m.text {
			return m.kind
		}
	}
	return Unknown
}
