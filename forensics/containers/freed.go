package containers

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"unicode/utf8"
)

// freed is what the pages of a database hold that its tree does not reach: bolt writes every change to other pages and
// leaves the old ones as they are until it needs their room.
type freed struct {
	r        io.ReaderAt
	size     int64
	pageSize int64
	live     map[uint64]bool // pages of the tree
	damaged  bool            // the tree could not be read whole: what is not reached may be live
	parents  map[uint64][]parent
	leaves   []uint64         // free pages that are leaves
	used     map[uint64]int64 // of each page in use: where in the file its elements end

	// What a hostile database may still cost. Real ones have few elements that lead to one page.
	bytes, count int64
}

// parent is an element of a page that leads to another one.
type parent struct {
	page uint64
	key  string // name of the bucket; "" in a branch, which leads to another part of the same bucket
}

// element is a key of a leaf.
type element struct {
	bucket     bool
	key, value []byte
}

const (
	maxReads    = 16 // of each byte of a database, on average
	maxKey      = 4096
	maxElements = 1 << 16  // of a page, which counts them in 16 bits
	maxParents  = 1 << 20  // elements of free pages that lead to others
	maxValue    = maxJSON  // read of one value
	maxSpan     = 16 << 20 // bytes of one page with its overflow
)

func (l *lister) readFreed(name, local string, do func(*freed)) {
	file, err := os.Open(local)
	if err != nil {
		l.problem(name, fmt.Errorf("open copy of database: %w", err))
		return
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		l.problem(name, fmt.Errorf("measure copy of database: %w", err))
		return
	}
	f := findFreed(file, info.Size())
	if f == nil {
		return
	}
	do(f)
	if f.bytes < 0 || f.count < 0 {
		l.problem(name, fmt.Errorf("its free pages lead to one another too often; not all were searched for deleted containers"))
	}
}

// findFreed looks at every page of a database that its tree does not reach; nil where nothing says how large pages are.
func findFreed(r io.ReaderAt, size int64) *freed {
	tree, err := reachable(r, size)
	if tree == nil {
		return nil
	}
	f := &freed{r: r, size: size, pageSize: tree.meta.pageSize, live: tree.seen, used: tree.used, damaged: err != nil, parents: map[uint64][]parent{}}
	f.bytes, f.count = 64<<20+size*maxReads, 1<<20+size/elementSize*maxReads
	links := 0
	for id := uint64(2); id < uint64(size/f.pageSize); id++ {
		if f.live[id] {
			continue
		}
		links += f.look(id, maxParents-links)
	}
	return f
}

// look notes what a free page leads to, at most so many pages, and whether it is a leaf.
func (f *freed) look(id uint64, most int) (links int) {
	b := f.page(id)
	if b == nil {
		return 0
	}
	le := binary.LittleEndian
	if le.Uint16(b[8:]) == leafFlag {
		f.leaves = append(f.leaves, id)
	}
	note := func(child uint64, key string) {
		if child > 1 && links < most {
			f.parents[child] = append(f.parents[child], parent{id, key})
			links++
		}
	}
	for _, child := range f.children(b) {
		note(child, "")
	}
	for _, e := range f.elements(b) {
		if e.bucket && len(e.value) >= bucketHeader && validKey(e.key) {
			note(le.Uint64(e.value), string(e.key))
		}
	}
	return links
}

func validKey(key []byte) bool { return len(key) > 0 && utf8.Valid(key) }

// page gives a free page that still looks like one, with as much of its overflow as no page in use has taken; nil
// otherwise.
func (f *freed) page(id uint64) []byte {
	if id < 2 || id >= uint64(f.size/f.pageSize) || f.live[id] {
		return nil
	}
	header := make([]byte, pageHeader)
	if _, err := f.r.ReadAt(header, int64(id)*f.pageSize); err != nil {
		return nil
	}
	le := binary.LittleEndian
	flags := le.Uint16(header[8:])
	if le.Uint64(header) != id || flags != leafFlag && flags != branchFlag || le.Uint16(header[10:]) == 0 {
		return nil
	}
	span := uint64(1)
	for span <= uint64(le.Uint32(header[12:])) && !f.live[id+span] && int64(id+span+1)*f.pageSize <= f.size && int64(span+1)*f.pageSize <= maxSpan {
		span++
	}
	if f.bytes -= int64(span) * f.pageSize; f.bytes < 0 {
		return nil
	}
	b := make([]byte, int64(span)*f.pageSize)
	if _, err := f.r.ReadAt(b, int64(id)*f.pageSize); err != nil {
		return nil
	}
	return b
}

// children gives the pages to which a branch leads, in order.
func (f *freed) children(b []byte) []uint64 {
	le := binary.LittleEndian
	if len(b) < pageHeader || le.Uint16(b[8:]) != branchFlag {
		return nil
	}
	count := min(int(le.Uint16(b[10:])), (len(b)-pageHeader)/elementSize)
	if f.count -= int64(count); f.count < 0 {
		return nil
	}
	out := make([]uint64, count)
	for i := range out {
		out[i] = le.Uint64(b[pageHeader+i*elementSize+8:])
	}
	return out
}

// elements gives what a leaf, or a bucket inside a page, holds. Elements that do not lie inside it are left out.
func (f *freed) elements(b []byte) []element {
	le := binary.LittleEndian
	if len(b) < pageHeader || le.Uint16(b[8:]) != leafFlag {
		return nil
	}
	count := min(int(le.Uint16(b[10:])), (len(b)-pageHeader)/elementSize, maxElements)
	if f.count -= int64(count); f.count < 0 {
		return nil
	}
	var out []element
	for i := range count {
		e := b[pageHeader+i*elementSize:]
		at, key, value := uint64(le.Uint32(e[4:])), uint64(le.Uint32(e[8:])), uint64(le.Uint32(e[12:]))
		if at < elementSize || at+key+value > uint64(len(e)) || key > maxKey || value > maxValue || le.Uint32(e)&^uint32(bucketFlag) != 0 {
			continue
		}
		out = append(out, element{le.Uint32(e)&bucketFlag != 0, e[at : at+key], e[at+key : at+key+value]})
	}
	return out
}

// bucket gives the elements of a bucket: inside its parent's page, or on a free page of its own. A bucket of several
// pages is not put together: one whose pages are free is rare in records as small as these.
func (f *freed) bucket(e element) []element {
	if !e.bucket || len(e.value) < bucketHeader {
		return nil
	}
	if root := binary.LittleEndian.Uint64(e.value); root != 0 {
		return f.elements(f.page(root))
	}
	return f.elements(e.value[bucketHeader:])
}

// values gives the plain keys of a bucket.
func (f *freed) values(e element) map[string][]byte {
	out := map[string][]byte{}
	for _, inner := range f.bucket(e) {
		if !inner.bucket {
			out[string(inner.key)] = inner.value
		}
	}
	return out
}
