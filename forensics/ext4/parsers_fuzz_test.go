package ext4

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"strings"
	"testing"
)

// flat is a file system of 64 blocks of 1 KiB around the bytes that a fuzzer gives, with a group of 32 inodes of 256 bytes
// from block 10 on.
func flat(b []byte, incompat, roCompat uint32) *FS {
	image := make([]byte, 64<<10)
	binary.LittleEndian.PutUint32(image[2048+8:], 10)
	copy(image[20<<10:], b)
	f := &FS{limits: Options{MaxDirEntries: 1000, MaxDirBytes: 1 << 20, MaxJournalBlocks: 4096}.withDefaults()}
	f.super = superblock{
		inodes: 32, blocks: 64, firstData: 1, blockSize: 1024, clusterSize: 1024, blocksPerGroup: 8192, inodesPerGroup: 32, inodeSize: 256,
		descSize: 32, groups: 1, incompat: incompat | incompatFiletype, roCompat: roCompat, journalInode: 8, compat: compatJournal,
	}
	f.dev = newDevice(bytes.NewReader(image), int64(len(image)), 1024, 1<<20)
	return f
}

// parsed gives an inode with the bytes of a fuzzer, which need not be as many as an inode has.
func parsed(f *FS, n uint32, b []byte) *Inode {
	raw := make([]byte, 256)
	copy(raw, b)
	in, err := f.super.parseInode(n, raw)
	if err != nil {
		return &Inode{Number: n}
	}
	return in
}

// seed unpacks an image from which the fuzzers begin.
func seed(f *testing.F, name string) []byte {
	f.Helper()
	packed, err := os.Open("testdata/seeds/" + name + ".img.gz")
	if err != nil {
		f.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		f.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

func FuzzSuperblock(f *testing.F) {
	for _, name := range []string{"dirty", "inline", "ext2"} {
		f.Add(seed(f, name)[superOffset:][:superSize])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		raw := make([]byte, superSize)
		copy(raw, b)
		s, err := parseSuper(raw)
		if err != nil {
			return
		}
		for _, group := range []uint64{0, 1, s.groups / 2, s.groups - 1} {
			for _, block := range append(s.spareDescBlocks(group/s.descPerBlock()), s.descBlock(group/s.descPerBlock())) {
				if block > s.blocks+s.descPerBlock()*uint64(s.blocksPerGroup)+s.groups+2 {
					t.Errorf("group %d of %d has its descriptor at %d of %d blocks", group, s.groups, block, s.blocks)
				}
			}
		}
		superSumRight(raw)
		disk := &FS{super: s, limits: Options{}.withDefaults()}
		disk.dev = newDevice(bytes.NewReader(raw), int64(len(raw)), s.blockSize, 1<<20)
		_, _ = disk.inode(RootInode)
	})
}

func FuzzInode(f *testing.F) {
	f.Add(uint32(0), []byte(nil))
	f.Add(uint32(roSums), append(make([]byte, 0x28), 0x0A, 0xF3, 1, 0, 4, 0, 0, 0))
	f.Add(uint32(0), append([]byte{0xA4, 0x81, 0, 0, 0xFF}, make([]byte, 150)...))
	f.Fuzz(func(t *testing.T, roCompat uint32, b []byte) {
		disk := flat(nil, incompatInlineData|incompat64bit, roCompat)
		in := parsed(disk, 12, b)
		_ = disk.doubts(in)
		_, _ = disk.target(in)
		_, _ = disk.xattrs(in)
		_, _ = disk.extents(in, 100)
		_, _ = disk.readAt(in, make([]byte, 4096), in.Size/2)
		if s := in.stat(); s.Size < 0 {
			t.Errorf("a size of %d", s.Size)
		}
	})
}

func FuzzDirectoryBlock(f *testing.F) {
	f.Add([]byte("\x0c\x00\x00\x00\x0c\x00\x01\x02.\x00\x00\x00\x02\x00\x00\x00\xf4\x03\x02\x02..\x00\x00"), uint32(0))
	f.Add([]byte("\x0c\x00\x00\x00\x10\x00\x04\x01file\x00\x00\x00\x00\xf0\x03\x00\xde"), uint32(inodeIndexed))
	f.Fuzz(func(t *testing.T, b []byte, flags uint32) {
		disk := flat(b, incompatInlineData, roSums)
		in := &Inode{Number: 12, Mode: 0x4000, Size: 1024, Links: 2, Flags: flags &^ (flagExtents | flagInlineData)}
		binary.LittleEndian.PutUint32(in.data[:], 20)
		left := disk.room()
		entries, _ := disk.list(in, &left)
		for _, e := range entries {
			if name := e.Name(); name == "" || len(name) > 255 || strings.ContainsAny(name, "/\x00") {
				t.Errorf("the name %q", name)
			}
		}
		in.Flags |= flagInlineData
		left = disk.room()
		_, _ = disk.list(in, &left)
	})
}

func FuzzExtents(f *testing.F) {
	leaf := "\x0a\xf3\x01\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x1e\x00\x00\x00"
	f.Add([]byte(leaf), []byte(leaf), uint64(1))
	f.Add([]byte("\x0a\xf3\x01\x00\x04\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x14\x00\x00\x00\x00\x00\x00\x00"), []byte(leaf), uint64(0))
	f.Fuzz(func(t *testing.T, root, node []byte, n uint64) {
		disk := flat(node, incompat64bit, roSums)
		for _, flags := range []uint32{flagExtents, 0} {
			in := &Inode{Number: 12, Mode: 0x8000, Size: 1 << 40, Flags: flags}
			copy(in.data[:], root)
			r, err := disk.runAt(in, n%maxLogical)
			if err == nil && (r.blocks == 0 || r.physical+r.blocks > disk.super.blocks && r.physical != 0) {
				t.Errorf("block %d: %+v", n, r)
			}
			_, _ = disk.extents(in, 100)
		}
	})
}

func FuzzXattrs(f *testing.F) {
	f.Add([]byte("\x00\x00\x02\xea\x01\x01\x28\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00a\x00\x00\x00\x00\x00\x00\x00"), []byte("\x00\x00\x02\xea\x01\x00\x00\x00\x01\x00\x00\x00"))
	f.Add([]byte("\x00\x00\x02\xea\x00\x02\x18\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x07\x00"), []byte(nil))
	f.Fuzz(func(t *testing.T, body, block []byte) {
		disk := flat(block, 0, roSums)
		in := &Inode{Number: 12, Mode: 0x8000, Size: 100, Flags: flagInlineData, extra: body, attributes: 20}
		attributes, _ := disk.xattrs(in)
		for name, value := range attributes {
			if len(value) > 2*maxXattr {
				t.Errorf("%q has %d bytes", name, len(value))
			}
		}
		_, _ = disk.inlineData(in)
	})
}

// FuzzJournal gives a log of 32 blocks, of which the fuzzer writes the first ones.
func FuzzJournal(f *testing.F) {
	super := make([]byte, 1024)
	for i, v := range []uint32{journalMagic, blockSuperV2, 0, 1024, 32, 1, 7, 1} {
		binary.BigEndian.PutUint32(super[4*i:], v)
	}
	desc := make([]byte, 1024)
	for i, v := range []uint32{journalMagic, blockDesc, 7, 40, tagLast | tagSameUUID} {
		binary.BigEndian.PutUint32(desc[4*i:], v)
	}
	f.Add(super)
	f.Add(append(bytes.Clone(super), desc...))
	f.Fuzz(func(_ *testing.T, b []byte) {
		disk := flat(b, incompatRecover, 0)
		in := make([]byte, 256)
		binary.LittleEndian.PutUint16(in, 0x8180)
		binary.LittleEndian.PutUint32(in[4:], 32<<10)
		binary.LittleEndian.PutUint32(in[0x20:], flagExtents)
		copy(in[0x28:], "\x0a\xf3\x01\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20\x00\x00\x00\x14\x00\x00\x00")
		disk.dev.patches = map[uint64][]byte{10 + 7*256/1024: append(make([]byte, 768), in...)}
		_ = disk.replayJournal()
	})
}

// FuzzFastCommits gives records, whose commits it makes whole.
func FuzzFastCommits(f *testing.F) {
	f.Add([]byte("\x03\x00\x0c\x00\x02\x00\x00\x00\x0c\x00\x00\x00name"))
	f.Add([]byte("\x01\x00\x10\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x1e\x00\x00\x00\x02\x00\x0c\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00"))
	f.Add([]byte("\x04\x00\x0c\x00\x02\x00\x00\x00\x0c\x00\x00\x00name\x05\x00\x0c\x00\x02\x00\x00\x00\x0c\x00\x00\x00name"))
	f.Fuzz(func(t *testing.T, b []byte) {
		disk := flat(nil, 0, 0)
		for _, n := range []uint32{2, 12, 13} {
			raw, err := disk.dev.patch(10 + uint64(n-1)/4)
			if err != nil {
				t.Fatal(err)
			}
			raw = raw[(n-1)%4*256:][:256]
			raw[0x1A], raw[1], raw[5] = 2, map[bool]byte{true: 0x41, false: 0x81}[n == 2], 4
		}
		s := &fastScan{fs: disk, next: 7}
		head, tail := []byte("\x09\x00\x08\x00\x00\x00\x00\x00\x07\x00\x00\x00"), []byte("\x08\x00\x08\x00\x07\x00\x00\x00")
		whole := append(append(head, b...), tail...)
		whole = binary.LittleEndian.AppendUint32(whole, crc32c(0, whole))
		_, _ = s.block(1, whole)
		newFastReplay(disk).run(s.tags)
		for _, n := range []uint32{2, 12, 13} {
			in, err := disk.inode(n)
			if err != nil {
				continue
			}
			left := disk.room()
			_, _ = disk.list(in, &left)
			_, _ = disk.extents(in, 100)
		}
	})
}
