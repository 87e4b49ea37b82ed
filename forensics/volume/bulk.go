package volume

import (
	"bytes"
	"cmp"
	"slices"
	"time"
)

// Bulk is what a file system may offer besides for those who read all of it: directories by the numbers of their inodes,
// many at a time, and bytes by where they lie, so that the disk is read in its own order and little is allocated. What it
// gives is what Walk gives. It is safe for concurrent use.
type Bulk interface {
	// Root gives the root directory as the one record of a list, with the name ".".
	Root() *Listing

	// List reads directories and gives one list for each of them, in the order of names. A list that is cut after most
	// entries has a Problem that says so. It does not look below the directories, and knows no loops.
	List(dirs []uint64, most int) []*Listing

	// OpenInode opens a regular file.
	OpenInode(inode uint64) (File, error)

	// ReadDisk fills p with the bytes that the file system has from at on, those of its journal in their place.
	ReadDisk(p []byte, at int64) error
}

// Listing is what one directory holds, packed: thousands of them are held at a time.
type Listing struct {
	Records  []Record
	Text     []byte         // names and targets, to which the records point
	Problem  string         // what of the directory could not be read; the records are what could be
	Problems map[int]string // what could not be read of the record with that index
}

// Record is an entry of a Listing. Where the inode cannot be read, it has no more than its name.
type Record struct {
	seconds     [4]int64 // accessed, modified, changed, created
	nanoseconds [4]uint32
	inode       uint64
	size        int64

	// At is where on the file system, in bytes, the reading of the file's or directory's bytes begins, roughly: those who
	// read in the order of At read in the disk's order.
	At int64

	mode, uid, gid, links, generation, major, minor uint32

	text         uint32 // where the name begins; the target follows it
	name, target uint16 // their lengths

	// Whole says that all bytes of the file lie at At, one behind the other.
	Whole bool
}

// RecordBytes is what a record takes in memory, without its text.
const RecordBytes = 32 + 16 + 3*8 + 7*4 + 4 + 2*2 + 4

// Add appends a record with its name, which has no stat yet.
func (l *Listing) Add(name []byte) *Record {
	l.Records = append(l.Records, Record{text: uint32(len(l.Text)), name: uint16(len(name))})
	l.Text = append(l.Text, name...)
	return &l.Records[len(l.Records)-1]
}

// Sorted gives the records from one index up to, not including, another as a list of their own: in the order of names, each
// link with the target that target gives for its index here.
func (l *Listing) Sorted(from, to int, target func(i int) string) *Listing {
	order := make([]int, to-from)
	text := 0
	for i := range order {
		order[i] = from + i
		text += int(l.Records[from+i].name)
	}
	slices.SortFunc(order, func(x, y int) int { return cmp.Or(bytes.Compare(l.Name(x), l.Name(y)), cmp.Compare(x, y)) })
	out := &Listing{Records: make([]Record, 0, len(order)), Text: make([]byte, 0, text)}
	for _, i := range order {
		r := out.Add(l.Name(i))
		at := r.text
		*r = l.Records[i]
		r.text = at
		if r.Type() == TypeLink {
			leads := target(i)
			r.target = uint16(min(len(leads), 1<<16-1))
			out.Text = append(out.Text, leads[:r.target]...)
		}
		if wrong := l.Problems[i]; wrong != "" {
			out.addProblem(len(out.Records)-1, wrong)
		}
	}
	return out
}

// Cut takes back the records from an index on.
func (l *Listing) Cut(to int) {
	if to < len(l.Records) {
		l.Text = l.Text[:l.Records[to].text]
		l.Records = l.Records[:to]
	}
}

// Wrong notes what could not be read of a record.
func (l *Listing) Wrong(i int, err error) {
	if before := l.Problems[i]; before != "" {
		l.addProblem(i, before+"; "+err.Error())
		return
	}
	l.addProblem(i, err.Error())
}

func (l *Listing) addProblem(i int, what string) {
	if l.Problems == nil {
		l.Problems = map[int]string{}
	}
	l.Problems[i] = what
}

// Name gives a record's name.
func (l *Listing) Name(i int) []byte {
	r := &l.Records[i]
	return l.Text[r.text : r.text+uint32(r.name)]
}

// Target gives where a record's link leads.
func (l *Listing) Target(i int) []byte {
	r := &l.Records[i]
	return l.Text[r.text+uint32(r.name):][:r.target]
}

// SetStat packs a stat.
func (r *Record) SetStat(s *Stat) {
	for i, t := range [4]*time.Time{&s.Accessed, &s.Modified, &s.Changed, &s.Created} {
		r.seconds[i], r.nanoseconds[i] = t.Unix(), uint32(t.Nanosecond())
	}
	r.inode, r.size, r.mode, r.uid, r.gid = s.Inode, s.Size, s.Mode, s.UID, s.GID
	r.links, r.generation, r.major, r.minor = s.Links, s.Generation, s.Major, s.Minor
}

// Stat unpacks it.
func (r *Record) Stat() Stat {
	if r.inode == 0 {
		return Stat{}
	}
	return Stat{
		Inode: r.inode, Mode: r.mode, UID: r.uid, GID: r.gid, Links: r.links, Generation: r.generation,
		Major: r.major, Minor: r.minor, Size: r.size,
		Accessed: r.time(0), Modified: r.time(1), Changed: r.time(2), Created: r.time(3),
	}
}

// time gives the zero time back for a zero time.
func (r *Record) time(i int) time.Time {
	return time.Unix(r.seconds[i], int64(r.nanoseconds[i])).UTC()
}

// Inode is the number of the inode; zero where it could not be read.
func (r *Record) Inode() uint64 { return r.inode }

// Size is the file's length in bytes.
func (r *Record) Size() int64 { return r.size }

// Type is the type, as in Stat.Mode.
func (r *Record) Type() uint32 { return r.mode & TypeMask }
