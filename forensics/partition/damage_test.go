package partition_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/partition"
)

// TestTablesThatWereTamperedWith reads what is left of a table and says what is wrong with it.
func TestTablesThatWereTamperedWith(t *testing.T) {
	two := func(b []byte) { gpt(b, 512, [2]uint64{2048, 4095}, [2]uint64{4096, 8191}) }
	for name, c := range map[string]struct {
		fill  func([]byte)
		parts int
		said  string
	}{
		"header wiped":                  {func(b []byte) { two(b); clear(b[512:1024]) }, 2, "the backup was used"},
		"header flipped":                {func(b []byte) { two(b); b[512+40] ^= 1 }, 2, "its checksum is wrong; the backup was used"},
		"entries of the header changed": {func(b []byte) { two(b); b[1024+33] ^= 1 }, 2, "the checksum of its entries is wrong; the backup was used"},
		"backup wiped":                  {func(b []byte) { two(b); clear(b[len(b)-512:]) }, 2, ""},
		"both differ": {func(b []byte) {
			two(b)
			c := disk(len(b), nil)
			gpt(c, 512, [2]uint64{2048, 4095})
			copy(b[len(b)-64*512:], c[len(b)-64*512:])
		}, 2, "do not list the same partitions, 2 and 1"},
		"an entry outside": {func(b []byte) { gpt(b, 512, [2]uint64{2048, 4095}, [2]uint64{4096, 1 << 40}) }, 1, "partition 2, sectors 4096 to 1099511627776, does not lie"},
		"both wiped":       {func(b []byte) { mbr(b, 0, [3]uint32{0xEE, 1, 32767}) }, 0, "says that the disk has a GPT"},
		"mbr outside":      {func(b []byte) { mbr(b, 0, [3]uint32{0x83, 2048, 2048}, [3]uint32{0x83, 4096, 1 << 31}) }, 1, "partition 2, 2147483648 sectors from sector 4096 on, does not lie"},
	} {
		t.Run(name, func(t *testing.T) {
			b := disk(8*mib, map[int]string{mib: "XFSB"})
			c.fill(b)
			parts, err := partition.Find(bytes.NewReader(b), int64(len(b)))
			if len(parts) != c.parts {
				t.Errorf("%v", parts)
			}
			if (err != nil) != (c.said != "") || err != nil && !strings.Contains(err.Error(), c.said) {
				t.Errorf("want %q, got %v", c.said, err)
			}
		})
	}
}

// TestNames tells what Bottlerocket calls its partitions, and what is refused by its name.
func TestNames(t *testing.T) {
	for _, c := range []struct {
		at   int
		mark string
		want partition.Kind
	}{
		{ext4At, "\x53\xef", partition.Ext4}, {0, "XFSB", partition.XFS}, {0, "LUKS\xba\xbe", partition.LUKS}, {0x4000, "SKUL\xba\xbe", partition.LUKS},
		{512, "LABELONE", partition.LVM}, {4096, "\xfc\x4e\x2b\xa9", partition.RAID}, {3, "-FVE-FS-", partition.BitLocker}, {0, "hsqs", partition.Squashfs},
		{1024, "\xe2\xe1\xf5\xe0", partition.EROFS}, {0, "verity\x00\x00", partition.Verity}, {64<<10 + 0x40, "_BHRfS_M", partition.Btrfs}, {4086, "SWAPSPACE2", partition.Swap},
		{3, "NTFS    ", partition.NTFS}, {82, "FAT32   ", partition.FAT}, {0, "nothing", partition.Unknown},
	} {
		b := disk(4*mib, map[int]string{mib + c.at: c.mark})
		gptNamed(b, 512, "BOTTLEROCKET-DATA-A", [2]uint64{2048, 4095})
		parts, err := partition.Find(bytes.NewReader(b), int64(len(b)))
		if err != nil || len(parts) != 1 || parts[0].Kind != c.want || parts[0].Name != "BOTTLEROCKET-DATA-A" {
			t.Errorf("%q at %d: %+v, %v", c.mark, c.at, parts, err)
		}
	}
}

// sour cannot be read in one stretch.
type sour struct {
	io.ReaderAt
	from, to int64
}

var errSour = errors.New("block 0 is corrupt")

func (s sour) ReadAt(p []byte, off int64) (int, error) {
	if off < s.to && off+int64(len(p)) > s.from {
		return 0, errSour
	}
	return s.ReaderAt.ReadAt(p, off)
}

// TestUnreadableTable hands on why a table cannot be read, and takes the backup where there is one.
func TestUnreadableTable(t *testing.T) {
	b := disk(8*mib, nil)
	parts, err := partition.Find(sour{bytes.NewReader(b), 0, 512 << 10}, int64(len(b)))
	if !errors.Is(err, errSour) || len(parts) != 0 {
		t.Errorf("%v, %v", parts, err)
	}
	gpt(b, 512, [2]uint64{2048, 4095})
	parts, err = partition.Find(sour{bytes.NewReader(b), 0, 512 << 10}, int64(len(b)))
	if !errors.Is(err, errSour) || len(parts) != 1 || !strings.Contains(fmt.Sprint(err), "the backup was used") {
		t.Errorf("%v, %v", parts, err)
	}
}
