package block

// Range is a run of neighbouring blocks.
type Range struct {
	First  int32 `json:"first"`  // index of its first block
	Blocks int   `json:"blocks"` // how many
	Offset int64 `json:"offset"` // in bytes from the start of the disk
	Length int64 `json:"length"` // in bytes
}

// Read gives the blocks whose data was fetched and found right, as ranges in order.
func (s *Snapshot) Read() []Range { return s.ranges(true) }

// NeverRead gives the blocks that the snapshot holds and whose data was not read (or never came right), as ranges in
// order. Blocks that the snapshot does not hold are in neither list: they are zeros by definition.
func (s *Snapshot) NeverRead() []Range { return s.ranges(false) }

func (s *Snapshot) ranges(read bool) []Range {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Range
	for at, index := range s.indexes {
		if s.read[at] == read {
			out = s.extend(out, index)
		}
	}
	return out
}

// extend adds a block to the last range when it follows it, or else as a range of its own.
func (s *Snapshot) extend(to []Range, index int32) []Range {
	size := int64(s.blockSize)
	if n := len(to) - 1; n >= 0 && int64(to[n].First)+int64(to[n].Blocks) == int64(index) {
		to[n].Blocks++
		to[n].Length += size
		return to
	}
	return append(to, Range{First: index, Blocks: 1, Offset: int64(index) * size, Length: size})
}
