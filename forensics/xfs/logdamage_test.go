package xfs_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/forensics/xfs"
)

// records gives the bytes at which the records of an image's log begin that hold something, in the order of the log.
func records(b []byte) []int {
	be := binary.BigEndian
	groupLog, start, size := b[124], be.Uint64(b[48:]), int(be.Uint32(b[4:]))
	first := int(start>>groupLog*uint64(be.Uint32(b[84:]))+start&(1<<groupLog-1)) * size
	var out []int
	for at := first; at < first+int(be.Uint32(b[96:]))*size; at += block {
		if be.Uint32(b[at:]) == 0xFEEDBABE && be.Uint32(b[at+12:]) > 0 {
			out = append(out, at)
		}
	}
	return out
}

// written gives an image with twenty files, each of which was on the disk before the next was begun.
func written(t *testing.T) string {
	t.Helper()
	image := emptyImage(t, 64)
	dir, unmount := kerneltest.Mount(t, "xfs", image, "rw")
	z := zoo{TB: t, root: dir}
	for i := range 20 {
		z.synced(fmt.Sprintf("file%02d", i), pattern(100*i))
	}
	copied := kerneltest.CrashCopy(t, image)
	unmount()
	return copied
}

// TestTornLog cuts the log off at a record that is not whole, when it is one of the last: so does the kernel.
func TestTornLog(t *testing.T) {
	t.Parallel()
	image := written(t)
	sound, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	all := records(sound)
	for name, c := range map[string]struct {
		record int // from the end
		at     int
	}{"bytes of the last": {1, 512 + 300}, "bytes of the third": {3, 512 + 300}, "header of the last": {1, 40}, "length of the last": {1, 13}} {
		t.Run(name, func(t *testing.T) {
			b := bytes.Clone(sound)
			b[all[len(all)-c.record]+c.at] ^= 0x40
			torn := filepath.Join(t.TempDir(), "torn.img")
			if err := os.WriteFile(torn, b, 0o600); err != nil {
				t.Fatal(err)
			}
			disk := openImage(t, torn, xfs.Options{})
			kerneltest.Compare(t, disk, kerneltest.Recovered(t, "xfs", torn, "noatime"))
			r := disk.Replayed()
			if whole := openBytes(t, sound, xfs.Options{}).Replayed(); r.Transactions >= whole.Transactions || !strings.Contains(r.Stopped, "not whole") {
				t.Errorf("%+v, of the whole log: %+v", r, whole)
			}
		})
	}
}

// TestDamagedLog replays what stands before a record that is damaged, where the kernel mounts nothing, and says so.
func TestDamagedLog(t *testing.T) {
	t.Parallel()
	image := written(t)
	sound, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	all := records(sound)
	tail := int(binary.BigEndian.Uint64(sound[all[len(all)-1]+24:])&0xFFFFFFFF)*block + all[0] - 2*block // mkfs wrote the first record
	fifth := 0
	for i, at := range all {
		if at >= tail {
			fifth = all[i+5]
			break
		}
	}
	whole := openBytes(t, sound, xfs.Options{}).Replayed().Transactions
	for name, c := range map[string]struct {
		change func(record []byte)
		want   string
	}{
		"bytes":         {func(r []byte) { r[512+300] ^= 1 }, "checksum is wrong"},
		"no checksum":   {func(r []byte) { clear(r[32:36]) }, "checksum is wrong"},
		"magic":         {func(r []byte) { r[0] = 0 }, "no record begins here"},
		"version":       {func(r []byte) { r[11] = 8 }, "a record of version 0x8"},
		"absurd length": {func(r []byte) { r[12] = 0xFF }, "a record of 42781"},
	} {
		t.Run(name, func(t *testing.T) {
			b := bytes.Clone(sound)
			c.change(b[fifth:])
			disk := openBytes(t, b, xfs.Options{})
			r, damage := disk.Replayed(), fmt.Sprint(disk.Damage())
			if r.Transactions == 0 || r.Transactions >= whole || !strings.Contains(damage, "newer changes may be missing") || !strings.Contains(damage, c.want) {
				t.Errorf("%d transactions of %d, damage %s", r.Transactions, whole, damage)
			}
			if got := entries(disk); got < 2 || got >= 21 {
				t.Errorf("%d entries", got)
			}
		})
	}
}

// TestNoLog shows an image whose log is no log at all as it lies on the disk.
func TestNoLog(t *testing.T) {
	sound := readSeed(t, "dirty").bytes
	all := records(sound)
	for name, change := range map[string]func(b []byte){
		"of another file system": func(b []byte) {
			for _, at := range all {
				b[at+304] ^= 1
			}
		},
		"no records": func(b []byte) {
			for _, at := range all {
				b[at] = 1
			}
		},
		"in another order of bytes": func(b []byte) {
			for _, at := range all {
				b[at+303] = 2
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := bytes.Clone(sound)
			change(b)
			disk := openBytes(t, b, xfs.Options{})
			if r := disk.Replayed(); !r.Needed || r.Transactions != 0 || len(disk.Damage()) == 0 {
				t.Errorf("%+v, damage %v", r, disk.Damage())
			}
			if inPlace := openBytes(t, sound, xfs.Options{SkipJournal: true}); entries(disk) != entries(inPlace) {
				t.Errorf("%d entries, in place %d", entries(disk), entries(inPlace))
			}
		})
	}
}

// TestHiddenRecords tells of records that a change of one byte hides from the kernel.
func TestHiddenRecords(t *testing.T) {
	b := readSeed(t, "dirty").bytes
	all := records(b)
	last := openBytes(t, b, xfs.Options{}).Replayed().Last & 0xFFFFFFFF
	if first := all[0]; last == 0 || binary.BigEndian.Uint64(b[first+16:])&0xFFFFFFFF != 0 {
		t.Fatalf("the log does not begin with what mkfs wrote")
	}
	clear(b[all[1]+512 : all[1]+516]) // the turn of the second sector of the first record that the kernel wrote
	disk := openBytes(t, b, xfs.Options{})
	if said := fmt.Sprint(disk.Damage()); disk.Replayed().Needed || !strings.Contains(said, "records follow that are as new") {
		t.Errorf("%+v, damage %s", disk.Replayed(), said)
	}
}

// TestReplayInLittleMemory ends the replay where memory ends, and says so.
func TestReplayInLittleMemory(t *testing.T) {
	sound := readSeed(t, "dirty").bytes
	whole := openBytes(t, sound, xfs.Options{})
	if len(whole.Damage()) != 0 || whole.Replayed().Transactions == 0 {
		t.Fatalf("%+v, damage %v", whole.Replayed(), whole.Damage())
	}
	for _, most := range []int64{1, 10_000, 100_000} {
		disk := openBytes(t, sound, xfs.Options{MaxReplayBytes: most})
		if damage := fmt.Sprint(disk.Damage()); !strings.Contains(damage, "bytes of memory") {
			t.Errorf("within %d bytes: %+v, damage %s", most, disk.Replayed(), damage)
		}
	}
}
