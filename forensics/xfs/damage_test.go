package xfs_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/xfs"
)

// sectorOf finds the inode of a file in an image of 512 bytes an inode and 1024 a block.
func inodeAt(t testing.TB, b []byte, name string) []byte {
	t.Helper()
	be := binary.BigEndian
	n := number(t, openBytes(t, b, xfs.Options{SkipJournal: true}), name)
	groupLog := uint64(b[124])
	block := n >> 1
	at := (block>>groupLog*uint64(be.Uint32(b[84:]))+block&(1<<groupLog-1))*1024 + n&1*512
	return b[at : at+512]
}

func openBytes(t testing.TB, b []byte, opts xfs.Options) *xfs.FS {
	t.Helper()
	disk, err := xfs.Open(bytes.NewReader(b), int64(len(b)), opts)
	if err != nil {
		t.Fatal(err)
	}
	return disk
}

// said gives all that an image says is wrong with it, when everything of it is read.
func said(disk *xfs.FS) string {
	var errs []error
	_ = disk.Walk(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p, err))
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // the walk has reported it
		}
		_, attrErr := disk.Xattrs(info)
		errs = append(errs, attrErr)
		if info.Mode()&fs.ModeSymlink != 0 {
			_, linkErr := disk.ReadLink(p)
			errs = append(errs, linkErr)
		}
		if info.Mode().IsRegular() {
			f, openErr := disk.OpenFound(info)
			_, readErr := io.Copy(io.Discard, io.LimitReader(f, 1<<20))
			errs = append(errs, openErr, readErr)
		}
		return nil
	})
	return fmt.Sprint(errors.Join(append(errs, disk.Damage()...)...))
}

// TestDamage changes one thing of a sound image, and reads what is wrong and how much is left.
func TestDamage(t *testing.T) {
	sound := readSeed(t, "forms").bytes
	be := binary.BigEndian
	extent := func(in []byte, i int, logical, block, count uint64) {
		be.PutUint64(in[176+16*i:], logical<<9|block>>43)
		be.PutUint64(in[176+16*i+8:], block<<21|count)
	}
	for name, c := range map[string]struct {
		change func(b []byte)
		want   []string
		lost   int // entries
	}{
		"inode's checksum":       {func(b []byte) { inodeAt(t, b, "file")[33] ^= 1 }, []string{"file: inode ", "checksum"}, 0},
		"inode of another":       {func(b []byte) { inodeAt(t, b, "file")[159]++ }, []string{"it says that it is inode"}, 0},
		"inode that is none":     {func(b []byte) { inodeAt(t, b, "file")[0] = 0 }, []string{"another: inode", "there is no inode"}, 0},
		"free inode":             {func(b []byte) { clear(inodeAt(t, b, "pipe")[2:4]) }, []string{"pipe: inode", "is free"}, 0},
		"negative size":          {func(b []byte) { inodeAt(t, b, "file")[56] = 0x80 }, []string{"its size 0x8"}, 0},
		"forks that overlap":     {func(b []byte) { inodeAt(t, b, "file")[82] = 255 }, []string{"its second fork begins at byte 2040"}, 0},
		"size beyond its blocks": {func(b []byte) { inodeAt(t, b, "file")[57] = 0x7F }, []string{"checksum"}, 0},
		"too many extents":       {func(b []byte) { be.PutUint32(inodeAt(t, b, "file")[76:], 1<<30) }, []string{"extents do not fit"}, 0},
		"blocks outside":         {func(b []byte) { extent(inodeAt(t, b, "file"), 0, 0, 1<<50, 9) }, []string{"do not lie in one group"}, 0},
		"directory in the circle": {func(b []byte) {
			block := inodeAt(t, b, "block")
			copy(inodeAt(t, b, "inside")[2:], block[2:152])
			copy(inodeAt(t, b, "inside")[176:], block[176:])
		}, []string{"it belongs to inode"}, 0},
		"directory twice": {func(b []byte) {
			in := inodeAt(t, b, "block")
			first := parseBlock(in[176:])
			extent(in, 1, 4, first, 4)
			be.PutUint32(in[76:], 2)
			be.PutUint64(in[56:], 8192)
		}, []string{"is in the directory twice"}, 0},
		"directory's block": {func(b []byte) { b[blockOf(b, parseBlock(inodeAt(t, b, "block")[176:]))+100] ^= 0x20 }, []string{"block: inode", "checksum"}, 0},
		"directory's magic": {func(b []byte) { b[blockOf(b, parseBlock(inodeAt(t, b, "block")[176:]))] = 0 }, []string{"is not that of a directory's block"}, 20},
		"entry's length":    {func(b []byte) { b[blockOf(b, parseBlock(inodeAt(t, b, "block")[176:]))+64+8] = 255 }, nil, 20},
		"a name with a slash": {func(b []byte) {
			at := blockOf(b, parseBlock(inodeAt(t, b, "block")[176:]))
			i := bytes.Index(b[at:at+4096], []byte("name7"))
			b[at+i] = '/'
		}, []string{`the name "/ame7" has a byte that no name can have`}, 1},
		"a tree that is a loop": {func(b []byte) {
			in := inodeAt(t, b, "pieces")
			at := blockOf(b, be.Uint64(in[176+4+rootRoom(in)*8:]))
			be.PutUint16(b[at+4:], 1)
		}, []string{"level 1 below level 1"}, 0},
		"a tree's checksum": {func(b []byte) {
			in := inodeAt(t, b, "pieces")
			b[blockOf(b, be.Uint64(in[176+4+rootRoom(in)*8:]))+9] ^= 1
		}, []string{"tree of extents, block", "checksum"}, 0},
		"a tree of a foreigner": {func(b []byte) {
			in := inodeAt(t, b, "pieces")
			b[blockOf(b, be.Uint64(in[176+4+rootRoom(in)*8:]))+63]++
		}, []string{"it belongs to inode"}, 0},
		"link that is too long":   {func(b []byte) { inodeAt(t, b, "long")[60] = 9 }, []string{"is longer than the 1024"}, 0},
		"link's header":           {func(b []byte) { b[blockOf(b, parseBlock(inodeAt(t, b, "long")[176:]))] = 0 }, []string{"is not that of a link's target"}, 0},
		"link's checksum":         {func(b []byte) { b[blockOf(b, parseBlock(inodeAt(t, b, "long")[176:]))+80] ^= 1 }, []string{"link target", "checksum"}, 0},
		"group's header":          {func(b []byte) { b[512] = 0 }, []string{"group 0: header 1: its magic"}, 0},
		"group's checksum":        {func(b []byte) { b[1024+20] ^= 1 }, []string{"group 0: header 2: its checksum"}, 0},
		"circle of deleted ones":  {func(b []byte) { circle(b) }, []string{"are circles"}, 0},
		"superblock's checksum":   {func(b []byte) { b[144] ^= 1 }, []string{"superblock: its checksum"}, 0},
		"repair that did not end": {func(b []byte) { b[219] |= incompatNeedsRepair }, []string{"xfs_repair began"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := bytes.Clone(sound)
			c.change(b)
			disk := openBytes(t, b, xfs.Options{})
			got := said(disk)
			for _, want := range append(c.want, "") {
				if !strings.Contains(got, want) {
					t.Errorf("%q does not say %q", got, want)
				}
			}
			if want, left := entries(openBytes(t, sound, xfs.Options{}))-c.lost, entries(disk); left < want {
				t.Errorf("%d entries are left, want %d", left, want)
			}
		})
	}
}

const incompatNeedsRepair = 0x10

// circle puts an inode into the list of deleted ones that names itself as the next.
func circle(b []byte) {
	be := binary.BigEndian
	root := be.Uint64(b[56:])
	be.PutUint32(b[1024+40:], uint32(root))
	be.PutUint32(b[root>>1*1024+root&1*512+96:], uint32(root))
}

func parseBlock(record []byte) uint64 {
	return binary.BigEndian.Uint64(record)&0x1FF<<43 | binary.BigEndian.Uint64(record[8:])>>21
}

func blockOf(b []byte, block uint64) int {
	groupLog := b[124]
	return int(block>>groupLog*uint64(binary.BigEndian.Uint32(b[84:]))+block&(1<<groupLog-1)) * 1024
}

// rootRoom gives for how many pointers the root of a tree in an inode has room.
func rootRoom(in []byte) int {
	size := 512 - 176
	if in[82] > 0 {
		size = int(in[82]) * 8
	}
	return (size - 4) / 16
}

func entries(disk *xfs.FS) int {
	n := 0
	_ = disk.Walk(".", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d != nil {
			n++
		}
		return nil
	})
	return n
}

// TestRefusals names what it cannot read.
func TestRefusals(t *testing.T) {
	sound := readSeed(t, "forms").bytes
	be := binary.BigEndian
	for name, c := range map[string]struct {
		change func(b []byte)
		want   string
	}{
		"no magic":        {func(b []byte) { b[0] = 0 }, "no XFS superblock"},
		"version 3":       {func(b []byte) { b[101] = b[101]&0xF0 | 3 }, `xfs feature "version 3"`},
		"realtime":        {func(b []byte) { b[23] = 9 }, `xfs feature "realtime device"`},
		"external log":    {func(b []byte) { clear(b[48:56]) }, `xfs feature "external log"`},
		"metadir":         {func(b []byte) { b[218] |= 1 }, `xfs feature "metadir"`},
		"zoned":           {func(b []byte) { b[218] |= 2 }, `xfs feature "zoned"`},
		"future":          {func(b []byte) { b[216] |= 0x40 }, `xfs feature "incompat 0x40000000"`},
		"half made":       {func(b []byte) { b[126] = 1 }, "mkfs did not end"},
		"block size":      {func(b []byte) { be.PutUint32(b[4:], 1<<20) }, "blocks of 1048576 bytes"},
		"inode size":      {func(b []byte) { be.PutUint16(b[104:], 4096) }, "inodes of 4096 bytes"},
		"inodes in block": {func(b []byte) { b[123] = 40 }, "inodes in a block"},
		"directories":     {func(b []byte) { b[192] = 60 }, "2^60"},
		"groups":          {func(b []byte) { clear(b[88:92]) }, "0 groups"},
		"blocks":          {func(b []byte) { b[8] = 1 }, "do not fit"},
		"log":             {func(b []byte) { be.PutUint32(b[96:], 1<<31) }, "a log of 2147483648 blocks"},
	} {
		t.Run(name, func(t *testing.T) {
			b := bytes.Clone(sound)
			c.change(b)
			_, err := xfs.Open(bytes.NewReader(b), int64(len(b)), xfs.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("open: %v, want %q in it", err, c.want)
			}
		})
	}
}
