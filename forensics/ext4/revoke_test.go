package ext4_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
)

const bigBlock = 64 << 10

// foldedJournal makes an image whose journal's inode maps every block of the log to one and the same block, a full revoke
// block of the blocks that number gives. The image itself has only a few blocks that are not zero.
func foldedJournal(t testing.TB, blocks int, number func(i int) uint32) []byte {
	t.Helper()
	le, be := binary.LittleEndian, binary.BigEndian
	b, err := os.ReadFile(makeImage(t, t.TempDir(), "160M", "-b", fmt.Sprint(bigBlock), "-O", "^64bit,^metadata_csum", "-J", "size=64"))
	if err != nil {
		t.Fatal(err)
	}
	inode := rawInode(b, bigBlock, 8)
	super := int(le.Uint32(inode[0x28+12+8:])) // the first block of its first extent
	revoke, leaf := super+1, super+2
	log := b[super*bigBlock:]
	be.PutUint32(log[0x10:], uint32(blocks))
	be.PutUint32(log[0x1C:], 1) // the log begins at its block 1
	r := b[revoke*bigBlock:][:bigBlock]
	for i, v := range []uint32{journalMagic, 5, be.Uint32(log[0x18:]), bigBlock} {
		be.PutUint32(r[4*i:], v)
	}
	for i := range (bigBlock - 16) / 4 {
		be.PutUint32(r[16+4*i:], number(i))
	}
	fold(inode, b[leaf*bigBlock:], blocks, super, revoke, leaf)
	le.PutUint32(b[1024+0x60:], le.Uint32(b[1024+0x60:])|0x4) // needs recovery
	return b
}

// fold writes an extent for each block of the log: the first is the journal's superblock, all others are one block.
func fold(inode, leaf []byte, blocks, super, same, leafAt int) {
	le := binary.LittleEndian
	le.PutUint32(inode[4:], uint32(blocks*bigBlock))
	le.PutUint32(inode[0x6C:], uint32(blocks*bigBlock>>32))
	copy(inode[0x28:], []byte{0x0A, 0xF3, 1, 0, 4, 0, 1, 0})
	clear(inode[0x28+12 : 0x28+24])
	le.PutUint32(inode[0x28+12+4:], uint32(leafAt))
	copy(leaf, []byte{0x0A, 0xF3})
	le.PutUint16(leaf[2:], uint16(blocks))
	le.PutUint16(leaf[4:], uint16(blocks))
	le.PutUint16(leaf[6:], 0)
	for i := range blocks {
		e, at := leaf[12+12*i:], same
		if i == 0 {
			at = super
		}
		le.PutUint32(e, uint32(i))
		le.PutUint16(e[4:], 1)
		le.PutUint16(e[6:], 0)
		le.PutUint32(e[8:], uint32(at))
	}
}

// rawInode gives the bytes of an inode of the first group.
func rawInode(b []byte, blockSize, n int) []byte {
	le := binary.LittleEndian
	desc := b[max(blockSize, 2048):]
	size := int(le.Uint16(b[1024+0x58:]))
	return b[int(le.Uint32(desc[8:]))*blockSize+(n-1)*size:][:size]
}

// TestEndlessRevokes opens small images that say the same revoke, or an impossible one, millions of times.
func TestEndlessRevokes(t *testing.T) {
	for name, number := range map[string]func(i int) uint32{
		"one block":         func(int) uint32 { return 100 },
		"impossible blocks": func(i int) uint32 { return 1<<20 + uint32(i) },
	} {
		t.Run(name, func(t *testing.T) {
			b := foldedJournal(t, 1200, number)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			disk, err := ext4.Open(bytes.NewReader(b), int64(len(b)), ext4.Options{})
			if err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 1200*bigBlock+32<<20 { // each block of the log is read once
				t.Errorf("opening allocated %d MiB", took>>20)
			}
			if said := fmt.Sprint(disk.Damage()); !strings.Contains(said, "revoke") {
				t.Errorf("damage: %s, replayed %+v", said, disk.Replayed())
			}
		})
	}
}
