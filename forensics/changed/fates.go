package changed

import (
	"fmt"
	"maps"
	"slices"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// fates says what became of each file that was found: it is only in one of the two, or its inode differs, or its content.
// An inode of another generation was freed and used again: that is two files.
func (m *mapper) fates() error {
	for _, n := range slices.Sorted(maps.Keys(m.files)) {
		f := m.files[n]
		before, wasUsed := m.stat(m.in.Before, "before", n)
		after, isUsed := m.stat(m.in.After, "after", n)
		switch {
		case !wasUsed && !isUsed:
			delete(m.files, n) // a free inode's record: nobody's
			continue
		case !wasUsed:
			f.Change, f.Type = Added, kind(after.Mode)
		case !isUsed:
			f.Change, f.Type = Deleted, kind(before.Mode)
		case before.Generation != after.Generation:
			m.gone[n] = &File{Inode: n, Paths: []string{}, Change: Deleted, Type: kind(before.Mode), Freed: f.Freed}
			f.Change, f.Type, f.Freed = Added, kind(after.Mode), nil
		default:
			f.Change, f.Type = Modified, kind(after.Mode)
		}
		if f.Change == Modified {
			f.Fields = append(f.Fields, fields(before, after)...)
			if len(f.Fields) == 0 && slices.Contains(m.records, n) {
				f.Fields = []string{"other"}
			}
		}
	}
	return nil
}

// stat describes an inode of a side. Without a layout, what is found by its name is in use, and names tell the rest.
func (m *mapper) stat(side Side, what string, n uint64) (volume.Stat, bool) {
	known, ok := side.layout()
	if !ok {
		return volume.Stat{Mode: volume.TypeRegular}, true
	}
	info, used, err := known.Inode(n)
	if err != nil {
		m.problem(fmt.Sprintf("%s, inode %d", what, n), err)
		return volume.Stat{}, false
	}
	stat, _ := volume.StatOf(info)
	return stat, used
}

// fields names what of an inode differs.
func fields(a, b volume.Stat) []string {
	var out []string
	for _, f := range []struct {
		name   string
		differ bool
	}{
		{"mode", a.Mode != b.Mode},
		{"owner", a.UID != b.UID || a.GID != b.GID},
		{"links", a.Links != b.Links},
		{"size", a.Size != b.Size},
		{"device", a.Major != b.Major || a.Minor != b.Minor},
		{"modified", !a.Modified.Equal(b.Modified)},
		{"changed", !a.Changed.Equal(b.Changed)},
		{"accessed", !a.Accessed.Equal(b.Accessed)},
		{"created", !a.Created.Equal(b.Created)},
	} {
		if f.differ {
			out = append(out, f.name)
		}
	}
	return out
}

func kind(mode uint32) string {
	switch mode & volume.TypeMask {
	case volume.TypeDir:
		return "directory"
	case volume.TypeLink:
		return "link"
	case volume.TypeChar, volume.TypeBlock:
		return "device"
	case volume.TypeFIFO:
		return "pipe"
	case volume.TypeSocket:
		return "socket"
	}
	return "file"
}
