package partition_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/partition"
)

const mib = 1 << 20

// disk makes an empty disk and writes the marks of file systems at byte offsets.
func disk(size int, marks map[int]string) []byte {
	b := make([]byte, size)
	for at, text := range marks {
		copy(b[at:], text)
	}
	return b
}

const ext4At = 1024 + 0x38 // of its magic, from the partition's start

// gpt writes a table with one entry a (first, last) pair, and its backup.
func gpt(b []byte, sector int, pairs ...[2]uint64) { gptNamed(b, sector, "root", pairs...) }

func gptNamed(b []byte, sector int, name string, pairs ...[2]uint64) {
	le := binary.LittleEndian
	entries := make([]byte, 128*128)
	for i, p := range pairs {
		e := entries[i*128:]
		copy(e, "0123456789abcdef")
		le.PutUint64(e[32:], p[0])
		le.PutUint64(e[40:], p[1])
		for n, u := range utf16.Encode([]rune(name)) {
			le.PutUint16(e[56+2*n:], u)
		}
	}
	last := len(b)/sector - 1
	table := len(entries) / sector
	for _, at := range [][2]int{{1, 2}, {last, last - table}} {
		copy(b[at[1]*sector:], entries)
		h := b[at[0]*sector:][:92]
		copy(h, "EFI PART\x00\x00\x01\x00")
		le.PutUint64(h[24:], uint64(at[0]))        // its own place
		le.PutUint64(h[32:], uint64(last+1-at[0])) // the other's
		le.PutUint64(h[40:], uint64(2+table))      // the first sector for partitions
		le.PutUint64(h[48:], uint64(last-table-1)) // and the last
		le.PutUint32(h[12:], 92)
		le.PutUint64(h[72:], uint64(at[1]))
		le.PutUint32(h[80:], 128)
		le.PutUint32(h[84:], 128)
		le.PutUint32(h[88:], crc32.ChecksumIEEE(entries))
		le.PutUint32(h[16:], crc32.ChecksumIEEE(h))
	}
}

func mbr(b []byte, at int, entries ...[3]uint32) {
	for i, e := range entries {
		p := b[at+446+16*i:]
		p[4] = byte(e[0])
		binary.LittleEndian.PutUint32(p[8:], e[1])
		binary.LittleEndian.PutUint32(p[12:], e[2])
	}
	b[at+510], b[at+511] = 0x55, 0xAA
}

func TestFind(t *testing.T) {
	for name, c := range map[string]struct {
		disk func() []byte
		want []partition.Part
	}{
		"whole disk": {
			func() []byte { return disk(4*mib, map[int]string{ext4At: "\x53\xef"}) },
			[]partition.Part{{Size: 4 * mib, Kind: partition.Ext4}},
		},
		"gpt": {func() []byte {
			b := disk(16*mib, map[int]string{mib: "XFSB", 4*mib + ext4At: "\x53\xef"})
			mbr(b, 0, [3]uint32{0xEE, 1, 32767})
			gpt(b, 512, [2]uint64{8192, 16383}, [2]uint64{2048, 8191})
			return b
		}, []partition.Part{
			{Number: 2, Offset: mib, Size: 3 * mib, Name: "root", Kind: partition.XFS},
			{Number: 1, Offset: 4 * mib, Size: 4 * mib, Name: "root", Kind: partition.Ext4},
		}},
		"gpt, 4096, only the backup": {func() []byte {
			b := disk(16*mib, map[int]string{mib + ext4At: "\x53\xef"})
			gpt(b, 4096, [2]uint64{256, 511})
			b[4096+60] ^= 1
			return b
		}, []partition.Part{{Number: 1, Offset: mib, Size: mib, Name: "root", Kind: partition.Ext4}}},
		"mbr with logical": {func() []byte {
			b := disk(16*mib, map[int]string{mib: "LUKS\xba\xbe", 5*mib + ext4At: "\x53\xef", 9*mib + 512: "LABELONE"})
			mbr(b, 0, [3]uint32{0x83, 2048, 2048}, [3]uint32{0x05, 8192, 16384})
			mbr(b, 4*mib, [3]uint32{0x83, 2048, 2048}, [3]uint32{0x05, 8192, 4096})
			mbr(b, 8*mib, [3]uint32{0x8E, 2048, 2048})
			return b
		}, []partition.Part{
			{Number: 1, Offset: mib, Size: mib, Kind: partition.LUKS},
			{Number: 5, Offset: 5 * mib, Size: mib, Kind: partition.Ext4},
			{Number: 6, Offset: 9 * mib, Size: mib, Kind: partition.LVM},
		}},
		"a chain without end": {func() []byte {
			b := disk(8*mib, nil)
			mbr(b, 0, [3]uint32{0x05, 2048, 4096})
			mbr(b, mib, [3]uint32{}, [3]uint32{0x05, 0, 4096})
			return b
		}, nil},
		"a table below a file system": {func() []byte { // the name of the first partition lies where ext4 has its magic
			b := disk(4*mib, map[int]string{mib: "XFSB"})
			gpt(b, 512, [2]uint64{2048, 4095})
			copy(b[ext4At:], "\x53\xef")
			mbr(b, 0, [3]uint32{0x83, 2048, 2048})
			clear(b[512:1024])
			clear(b[len(b)-512:])
			return b
		}, []partition.Part{{Size: 4 * mib, Kind: partition.Ext4}, {Number: 1, Offset: mib, Size: mib, Kind: partition.XFS}}},
		"nothing": {func() []byte { return disk(mib, nil) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := c.disk()
			got, err := partition.Find(bytes.NewReader(b), int64(len(b)))
			if (err != nil) != (name == "a chain without end" || strings.Contains(name, "only the backup")) {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTornChain keeps the partitions that were read when one boot record of the chain is bad, and says so.
func TestTornChain(t *testing.T) {
	for name, size := range map[string]int{"no boot record": 16 * mib, "outside the disk": 7 * mib} {
		b := disk(size, map[int]string{mib: "XFSB", 5*mib + ext4At: "\x53\xef", 2*mib + ext4At: "\x53\xef"})
		mbr(b, 0, [3]uint32{0x83, 2048, 2048}, [3]uint32{0x05, 8192, 16384}, [3]uint32{0x83, 4096, 2048})
		mbr(b, 4*mib, [3]uint32{0x83, 2048, 2048}, [3]uint32{0x05, 8192, 4096})
		got, err := partition.Find(bytes.NewReader(b), int64(len(b)))
		want := []partition.Part{
			{Number: 1, Offset: mib, Size: mib, Kind: partition.XFS},
			{Number: 3, Offset: 2 * mib, Size: mib, Kind: partition.Ext4},
			{Number: 5, Offset: 5 * mib, Size: mib, Kind: partition.Ext4},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if err == nil || !strings.Contains(err.Error(), "logical partition 6") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDamagedTableBesideFileSystem reports a damaged table also where the whole disk looks like a file system.
func TestDamagedTableBesideFileSystem(t *testing.T) {
	b := disk(mib, map[int]string{512: "EFI PART", ext4At: "\x53\xef"})
	parts, err := partition.Find(bytes.NewReader(b), int64(len(b)))
	if len(parts) != 1 || parts[0].Number != 0 || err == nil {
		t.Errorf("%v, %v", parts, err)
	}
}

// TestDamagedGPT keeps a table that was damaged apart from none.
func TestDamagedGPT(t *testing.T) {
	b := disk(mib, map[int]string{512: "EFI PART"})
	if parts, err := partition.Find(bytes.NewReader(b), int64(len(b))); err == nil {
		t.Errorf("%v", parts)
	}
}

// FuzzFind reads whatever table it is given.
func FuzzFind(f *testing.F) {
	b := disk(64<<10, nil)
	gpt(b, 512, [2]uint64{40, 50})
	f.Add(b)
	m := disk(64<<10, nil)
	mbr(m, 0, [3]uint32{0x05, 8, 8}, [3]uint32{0x83, 1, 1})
	f.Add(m)
	f.Fuzz(func(t *testing.T, b []byte) {
		parts, _ := partition.Find(bytes.NewReader(b), int64(len(b)))
		for _, p := range parts {
			if p.Offset < 0 || p.Size < 0 || p.Offset+p.Size > int64(len(b)) {
				t.Errorf("%s lies outside %d bytes", p, len(b))
			}
		}
	})
}
