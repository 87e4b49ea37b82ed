package changed

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

const maxShown = 100 // stretches of one area in the report

// own notes that what differs in s belongs to something, and gives it.
func (m *mapper) own(s Stretch) []Stretch {
	hit := within(m.differ, s)
	m.owned = append(m.owned, hit...)
	if len(m.owned) > 2*m.opts.MaxStretches { // the same stretch may be owned by many
		m.owned = normal(m.owned)
	}
	return hit
}

func (m *mapper) area(kind string, hit []Stretch) {
	if len(hit) == 0 {
		return
	}
	a := m.areas[kind]
	if a == nil {
		a = &Area{Kind: kind}
		m.areas[kind] = a
	}
	a.Bytes += total(hit)
	a.Stretches = append(a.Stretches, hit[:min(len(hit), maxShown-min(maxShown, len(a.Stretches)))]...)
}

// regions sorts out what belongs to the file system itself, and finds the inodes whose records differ.
func (m *mapper) regions() error {
	known, ok := m.in.After.layout()
	if !ok {
		return nil
	}
	return known.Regions(func(r volume.Region, err error) error {
		if stop := m.ctx.Err(); stop != nil {
			return stop
		}
		if err != nil {
			m.problem(r.Kind, err)
			return nil
		}
		hit := m.own(Stretch{r.Offset, r.Length})
		m.area(r.Kind, hit)
		if r.First > 0 {
			m.tableRecords(r, hit, known.InodeSize())
		}
		return nil
	})
}

// tableRecords compares the inodes in what differs of a table, record by record.
func (m *mapper) tableRecords(r volume.Region, hit []Stretch, size int64) {
	before, after := m.in.Before.image(), m.in.After.image()
	a, b := make([]byte, size), make([]byte, size)
	for _, s := range hit {
		first := (s.Offset - r.Offset) / size
		for i := first; r.Offset+i*size < s.end(); i++ {
			at := r.Offset + i*size
			wrong := m.read(before, a, at, m.in.Before.Size, "before") || m.read(after, b, at, m.in.After.Size, "after")
			if wrong || !bytes.Equal(a, b) {
				m.note(r.First + uint64(i))
			}
		}
	}
}

// note keeps the number of an inode whose record differs.
func (m *mapper) note(n uint64) {
	if len(m.records) < m.opts.MaxFiles {
		m.records = append(m.records, n)
		return
	}
	m.tooMany(n)
}

func (m *mapper) tooMany(n uint64) {
	if !m.more {
		m.problem(fmt.Sprintf("inode %d", n), fmt.Errorf("more than %d files changed: this one and some after it are left out", m.opts.MaxFiles))
	}
	m.more = true
}

// report puts all together, in an order that depends on the disks alone.
func (m *mapper) report() Report {
	out := Report{Bytes: total(m.differ), Files: []File{}, Areas: []Area{}, Coarse: m.coarse, Problems: m.problems}
	for _, all := range []map[uint64]*File{m.files, m.gone} {
		for _, f := range all {
			out.Files = append(out.Files, *f)
		}
	}
	slices.SortFunc(out.Files, byPath)
	for _, kind := range []string{"superblock", "group descriptors", "block bitmap", "inode bitmap", "inode table", "journal", "reserved"} {
		if a := m.areas[kind]; a != nil {
			out.Areas = append(out.Areas, *a)
		}
	}
	free := without(m.differ, normal(m.owned))
	out.Unallocated = Area{Kind: "unallocated", Bytes: total(free), Stretches: free[:min(len(free), maxShown)]}
	return out
}
