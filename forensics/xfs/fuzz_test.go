package xfs

import (
	"encoding/binary"
	"testing"
)

// memory gives a file system of one group on a disk of zeros with some bytes at its head, for parsers of pieces of it.
func memory(version uint16, head []byte) *FS {
	s := superblock{
		version: version, blockSize: 4096, blocks: 256, groupBlocks: 256, groups: 1, groupLog: 8, sectorSize: 512, inodeSize: 512,
		perBlock: 8, perBlockLog: 3, logStart: 64, logBlocks: 128, more2: more2FileType,
	}
	if version == 5 {
		s.incompat = incompatFileType
	}
	return &FS{
		super: s, dev: newDevice(zeros(head), 1<<20, s.blockSize, 1<<20),
		limits: Options{MaxReplayBytes: 4 << 20}.withDefaults(), reowned: map[uint64]struct{}{},
	}
}

// zeros is a disk of zeros with some bytes at its head.
type zeros []byte

func (z zeros) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	if off < int64(len(z)) {
		copy(p, z[off:])
	}
	return len(p), nil
}

// versions are both, as a fuzzer picks them.
func versions(odd bool) uint16 {
	if odd {
		return 5
	}
	return 4
}

// FuzzSuperblock reads any bytes as a superblock: what is accepted must have no block outside the groups.
func FuzzSuperblock(f *testing.F) {
	f.Add([]byte("XFSB"))
	f.Fuzz(func(t *testing.T, b []byte) {
		b = append(b, make([]byte, superSize)...)
		s, err := parseSuper(b)
		if err != nil {
			return
		}
		if at, err := s.offset(s.blocks - 1); err == nil && (at < 0 || at >= int64(s.blocks)*s.blockSize) {
			t.Errorf("block %d lies at byte %d", s.blocks-1, at)
		}
	})
}

// FuzzInode reads any bytes as an inode, and its forks.
func FuzzInode(f *testing.F) {
	in := make([]byte, 512)
	copy(in, "IN\x81\xa4\x03\x02")
	f.Add(true, uint64(3), in)
	f.Fuzz(func(_ *testing.T, odd bool, n uint64, b []byte) {
		disk := memory(versions(odd), b)
		b = append(b, make([]byte, 512)...)[:512]
		in, err := parseInode(8, b, &disk.super)
		if err != nil {
			return
		}
		_ = in.stat()
		_, _ = disk.xattrs(in)
		_, _ = disk.target(in)
		_, _ = disk.extents(in, 50)
		_, _ = disk.runAt(in, &in.data, n)
		left := disk.room()
		_, _ = disk.list(in, &left)
	})
}

// FuzzDirectory reads any bytes as a block of a directory, and as a directory in an inode.
func FuzzDirectory(f *testing.F) {
	f.Add(true, []byte("XDB3"))
	f.Add(false, []byte("XD2D"))
	f.Fuzz(func(t *testing.T, odd bool, b []byte) {
		disk := memory(versions(odd), nil)
		all := func(e entry) (bool, error) {
			if len(e.name) > 255 {
				t.Errorf("a name of %d bytes", len(e.name))
			}
			return true, nil
		}
		_ = disk.eachShort(&Inode{Size: int64(len(b)), data: fork{raw: b}}, all)
		_, _ = disk.eachIn(append(b, make([]byte, 4096)...)[:4096], "block", all)
	})
}

// FuzzAttributes reads any bytes as attributes in an inode, and as a leaf of them.
func FuzzAttributes(f *testing.F) {
	f.Add(true, []byte("\x00\x10\x01\x00\x01\x01\x00nv"))
	f.Add(false, []byte("\x00\x00\x00\x00\x00\x00\x00\x00\xfb\xee"))
	f.Fuzz(func(_ *testing.T, odd bool, b []byte) {
		disk := memory(versions(odd), b)
		a := &attributes{fs: disk, in: &Inode{}, values: map[string][]byte{}}
		a.short(b)
		extent := make([]byte, extentSize) // the head of the disk is the first block of the fork
		binary.BigEndian.PutUint64(extent[8:], 8)
		in := &Inode{attr: fork{format: formatExtents, raw: extent, extents: 1}}
		_, _ = disk.xattrs(in)
		_ = (&attributes{fs: disk, in: in, values: map[string][]byte{}}).leaf(append(b, make([]byte, 4096)...)[:4096])
	})
}

// FuzzTree reads any bytes as the root of a tree of extents, whose blocks are the same bytes.
func FuzzTree(f *testing.F) {
	f.Add(true, uint64(1), []byte("\x00\x01\x00\x01"))
	f.Fuzz(func(_ *testing.T, odd bool, n uint64, b []byte) {
		disk := memory(versions(odd), b)
		k := &fork{format: formatBtree, raw: append(b, make([]byte, 128)...)[:128]}
		_, _ = disk.runAt(&Inode{}, k, n)
		_, _ = disk.parseTreeBlock(append(b, make([]byte, 4096)...)[:4096])
	})
}

// FuzzRecord reads any bytes as the records of a log, and takes apart into transactions what has any checksum.
func FuzzRecord(f *testing.F) {
	f.Add(true, []byte("\xfe\xed\xba\xbe\x00\x00\x00\x01\x00\x00\x00\x02"), []byte("\x00\x00\x00\x07\x00\x00\x00\x00\x69\x01\x00\x00"))
	f.Fuzz(func(_ *testing.T, odd bool, head, data []byte) {
		disk := memory(versions(odd), nil)
		l := disk.openLog()
		sector := append(head, make([]byte, sectorSize)...)[:sectorSize]
		h, err := l.parseHeader(0, sector)
		if err != nil {
			return
		}
		all := make([]byte, h.sectors()*sectorSize)
		copy(all, sector)
		copy(all[h.headers*sectorSize:], data)
		_ = recordSum(&h, all, 328)
		h.uuid, h.format = disk.super.uuid, logLittle
		r := newReplayer(disk, l)
		r.cancelled = map[bufferKey]int{}
		_ = r.assembler(r.noteCancelled).record(&h, unpack(&h, all))
		_ = r.assembler(r.commit).record(&h, unpack(&h, all))
	})
}

// FuzzItem replays any bytes as an item of a transaction.
func FuzzItem(f *testing.F) {
	f.Add(true, []byte("\x3c\x12\x02\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00"), make([]byte, 128), []byte("IN"))
	f.Add(true, append([]byte("\x3b\x12\x03\x00\x05\x00\x00\x00"), make([]byte, 48)...), append([]byte("NI"), make([]byte, 174)...), []byte("IN"))
	f.Add(true, append([]byte("\x3f\x12\x01\x00"), make([]byte, 24)...), []byte{}, []byte{})
	f.Fuzz(func(_ *testing.T, odd bool, description, region, head []byte) {
		disk := memory(versions(odd), head)
		r := newReplayer(disk, disk.openLog())
		r.cancelled = map[bufferKey]int{}
		for _, regions := range [][][]byte{{description}, {description, region}, {description, region, region}, {description, region, region, region}} {
			t := &transaction{lsn: 1 << 40, items: []*item{{total: len(regions), regions: regions}}}
			_ = r.noteCancelled(t)
			_ = r.commit(t)
		}
	})
}
