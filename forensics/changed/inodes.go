package changed

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// file gives the report's entry of an inode, and makes it; nil when there are too many.
func (m *mapper) file(n uint64) *File {
	if f := m.files[n]; f != nil {
		return f
	}
	if len(m.files) >= m.opts.MaxFiles {
		m.tooMany(n)
		return nil
	}
	f := &File{Inode: n, Paths: []string{}}
	m.files[n] = f
	return f
}

// afterInodes finds whose blocks differ now.
func (m *mapper) afterInodes() error {
	for _, n := range m.records {
		m.file(n)
	}
	return m.eachInode(m.in.After, "after", func(n uint64, o volume.Owned, hit []Stretch) {
		f := m.file(n)
		switch {
		case f == nil:
		case o.For == volume.ForContent:
			f.Content = append(f.Content, pieces(o.Extent, hit)...)
		case o.For == volume.ForMap:
			f.Map += total(hit)
		default:
			f.Attrs += total(hit)
		}
	})
}

// beforeInodes finds whose blocks they were: what belongs to nothing now, or to something else, was somebody's.
func (m *mapper) beforeInodes() error {
	return m.eachInode(m.in.Before, "before", func(n uint64, o volume.Owned, hit []Stretch) {
		if o.For != volume.ForContent {
			return
		}
		f := m.files[n]
		var now []Stretch
		if f != nil {
			for _, p := range f.Content {
				now = append(now, Stretch{p.Disk, p.Length})
			}
		}
		freed := without(hit, normal(now))
		if len(freed) == 0 {
			return
		}
		if f = m.file(n); f != nil {
			f.Freed = append(f.Freed, pieces(o.Extent, freed)...)
		}
	})
}

// eachInode calls do for all blocks of inodes in which the two differ. Without a layout, files alone are looked at, by
// their names.
func (m *mapper) eachInode(side Side, what string, do func(uint64, volume.Owned, []Stretch)) error {
	each := func(n uint64, owned []volume.Owned, err error) {
		if err != nil {
			m.problem(fmt.Sprintf("%s, inode %d", what, n), err)
		}
		for _, o := range owned {
			if hit := m.own(Stretch{o.Physical, o.Length}); len(hit) > 0 {
				do(n, o, hit)
			}
		}
	}
	known, ok := side.layout()
	if !ok {
		return m.eachName(side, what, each)
	}
	return known.EachInode(func(n uint64, info fs.FileInfo, err error) error {
		if stop := m.ctx.Err(); stop != nil {
			return stop
		}
		if err != nil {
			m.problem(fmt.Sprintf("%s, inode %d", what, n), err)
			return nil
		}
		owned, err := known.Owned(info, m.opts.MaxPieces)
		each(n, owned, err)
		return nil
	})
}

// eachName finds the files of a file system by walking through it.
func (m *mapper) eachName(side Side, what string, each func(uint64, []volume.Owned, error)) error {
	seen := map[uint64]struct{}{} // of files with several names
	return m.walk(side, what, func(_ string, stat volume.Stat, info fs.FileInfo) {
		if stat.Mode&volume.TypeMask != volume.TypeRegular {
			return
		}
		if _, again := seen[stat.Inode]; again {
			return
		}
		if stat.Links > 1 {
			seen[stat.Inode] = struct{}{}
		}
		extents, err := side.FS.Extents(info, m.opts.MaxPieces)
		owned := make([]volume.Owned, 0, len(extents))
		for _, e := range extents {
			owned = append(owned, volume.Owned{Extent: e, For: volume.ForContent})
		}
		each(stat.Inode, owned, err)
	})
}

func (m *mapper) walk(side Side, what string, do func(string, volume.Stat, fs.FileInfo)) error {
	return side.FS.Walk(".", func(p string, d fs.DirEntry, err error) error {
		if stop := m.ctx.Err(); stop != nil {
			return stop
		}
		if err != nil {
			m.problem(what+", "+p, err)
			return nil
		}
		info, err := d.Info()
		if err != nil {
			m.problem(what+", "+p, err)
			return nil
		}
		if stat, ok := volume.StatOf(info); ok {
			do(p, stat, info)
		}
		return nil
	})
}

// pieces says where in a file the stretches of its extent lie.
func pieces(e volume.Extent, hit []Stretch) []Piece {
	out := make([]Piece, 0, len(hit))
	for _, s := range hit {
		out = append(out, Piece{Offset: e.Logical + s.Offset - e.Physical, Disk: s.Offset, Length: s.Length})
	}
	return out
}

// names finds the paths of what changed, before and after.
func (m *mapper) names() error {
	if len(m.files) == 0 {
		return nil
	}
	before := map[uint64][]string{}
	if err := m.walk(m.in.Before, "before", func(p string, stat volume.Stat, _ fs.FileInfo) {
		if m.files[stat.Inode] != nil {
			before[stat.Inode] = append(before[stat.Inode], p)
		}
	}); err != nil {
		return err
	}
	if err := m.walk(m.in.After, "after", func(p string, stat volume.Stat, _ fs.FileInfo) {
		if f := m.files[stat.Inode]; f != nil {
			f.Paths = append(f.Paths, p)
		}
	}); err != nil {
		return err
	}
	for _, all := range []map[uint64]*File{m.files, m.gone} {
		for n, f := range all {
			f.setPaths(before[n])
			if m.in.Owner != nil && len(f.Paths) > 0 {
				f.Container = m.in.Owner(f.Paths[0])
			}
		}
	}
	return nil
}

func (f *File) setPaths(before []string) {
	slices.Sort(f.Paths)
	slices.Sort(before)
	switch {
	case f.Change == Deleted:
		f.Paths = append([]string{}, before...)
	case f.Change != Added && !slices.Equal(f.Paths, before):
		f.OldPaths = before
	}
}

// byPath orders by the first path, then by inode; what has none comes last.
func byPath(a, b File) int {
	if c := cmp.Compare(len(b.Paths)/max(len(b.Paths), 1), len(a.Paths)/max(len(a.Paths), 1)); c != 0 {
		return c
	}
	if len(a.Paths) > 0 {
		if c := strings.Compare(a.Paths[0], b.Paths[0]); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(a.Inode, b.Inode), strings.Compare(b.Change, a.Change)) // deleted before added
}
