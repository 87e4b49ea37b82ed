package xfs

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// description begins an item's first region: its type, how many regions it has, and at byte eight its number.
func description(kind, regions uint16, size int, id uint64) []byte {
	le := binary.LittleEndian
	b := make([]byte, size)
	le.PutUint16(b, kind)
	le.PutUint16(b[2:], regions)
	le.PutUint64(b[8:], id)
	return b
}

// TestIntents reports what a chain of transactions was going to do and did not, and nothing of what was done.
func TestIntents(t *testing.T) {
	le := binary.LittleEndian
	mapped := description(intentMap, 1, 48, 7)
	for at, n := range map[int]uint64{16: 131, 24: 0x99, 32: 5} {
		le.PutUint64(mapped[at:], n)
	}
	le.PutUint32(mapped[40:], 3)
	le.PutUint32(mapped[44:], 2)
	attr := description(intentAttr, 2, 40, 8)
	le.PutUint64(attr[16:], 132)
	exchange := description(intentExchange, 1, 88, 9)
	le.PutUint64(exchange[16:], 133)
	le.PutUint64(exchange[24:], 134)
	for name, c := range map[string]struct {
		item *item
		want string
	}{
		"free":     {&item{1, [][]byte{description(intentFree, 1, 32, 7)}}, "the freeing of blocks, which changes no file, was begun and is not finished"},
		"owner":    {&item{1, [][]byte{description(intentOwner, 1, 48, 7)}}, "the list of the owners of blocks"},
		"share":    {&item{1, [][]byte{description(intentShare, 1, 32, 7)}}, "the count of shared blocks"},
		"map":      {&item{1, [][]byte{mapped}}, "a change of inode 131, which takes it 3 blocks at block 5, on the disk at 0x99,"},
		"attr":     {&item{2, [][]byte{attr, []byte("evil\n")}}, `a change of the extended attribute "evil\n" of inode 132`},
		"exchange": {&item{1, [][]byte{exchange}}, "an exchange of blocks between inodes 133 and 134"},
	} {
		kind, id := c.item.kind(), le.Uint64(c.item.regions[0][8:])
		for _, ended := range []bool{false, true} {
			disk := memory(5, nil)
			r := newReplayer(disk, disk.openLog())
			items := []*item{c.item}
			if ended {
				items = append(items, &item{1, [][]byte{description(kind+1, 1, 16, id)}})
			} else { // another one of the kind is
				items = append(items, &item{1, [][]byte{description(kind+1, 1, 16, id+1)}})
			}
			if err := r.commit(&transaction{lsn: 1 << 32, items: items}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			r.reportIntents()
			if got := fmt.Sprint(disk.Damage()); strings.Contains(got, c.want) == ended {
				t.Errorf("%s, ended %t: %s", name, ended, got)
			}
		}
	}
	disk := memory(5, nil)
	r := newReplayer(disk, disk.openLog())
	unknown := &transaction{items: []*item{{1, [][]byte{description(0x1260, 1, 16, 1)}}}}
	if err := r.commit(unknown); err == nil || !strings.Contains(err.Error(), "unknown type 0x1260") {
		t.Errorf("an unknown item: %v", err)
	}
}
