package inventory

import (
	"fmt"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// budget is what may be hashed. It counts the sizes of all regular files in the order of the walk, those that an earlier
// scan handed on included, so that a scan that goes on refuses what the whole one would have.
type budget struct {
	file, total int64
	counted     int64
}

func (o Options) budget() budget { return budget{file: o.MaxHashBytes, total: o.MaxHashTotal} }

// refuses says why a file is not hashed, or nothing. It must be asked for each entry, in order.
func (b *budget) refuses(s *volume.Stat) string {
	switch {
	case s.Mode&volume.TypeMask != volume.TypeRegular:
		return ""
	case s.Size > b.file:
		return fmt.Sprintf("it was not hashed: its %d bytes, holes included, are more than the %d that were allowed", s.Size, b.file)
	case s.Size > b.total-b.counted:
		return fmt.Sprintf("it was not hashed: with the files before it, it has more than the %d bytes that were allowed", b.total)
	}
	b.counted += s.Size
	return ""
}
