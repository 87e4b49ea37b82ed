package ext4

import "testing"

// TestFastMap lays changes over one another and over what the image says, block by block.
func TestFastMap(t *testing.T) {
	m := &fastMap{changes: []fastRange{
		{first: 10, length: 10, physical: 1000}, {first: 12, length: 2}, {first: 13, length: 4, physical: 2000}, {first: 5, length: 6, physical: 3000}, {first: 30, length: 5},
	}}
	want := map[uint64]uint64{}
	for n := range uint64(50) {
		want[n] = 500 + n // on the image
	}
	for _, c := range m.changes {
		for i := range c.length {
			if want[c.first+i] = 0; c.physical != 0 {
				want[c.first+i] = c.physical + i
			}
		}
	}
	m.settle()
	for n := uint64(0); n < 50; {
		r := m.over(n, run{physical: 500 + n, blocks: 50 - n})
		if r.blocks == 0 {
			t.Fatalf("block %d: an empty stretch", n)
		}
		for i := range r.blocks {
			got := uint64(0)
			if r.physical != 0 {
				got = r.physical + i
			}
			if got != want[n+i] {
				t.Errorf("block %d lies at %d, want %d", n+i, got, want[n+i])
			}
		}
		n += r.blocks
	}
}
