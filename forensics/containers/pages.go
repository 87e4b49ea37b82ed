package containers

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// A bolt database on the disk: two meta pages, then a tree of pages. Numbers are in the byte order of the machine that
// wrote them; nodes are little-endian.
const (
	boltMagic    = 0xED0CDAED
	pageHeader   = 16
	elementSize  = 16
	branchFlag   = 0x01
	leafFlag     = 0x02
	bucketFlag   = 0x01
	bucketHeader = 16
	maxTreeDepth = 64 // pages and nested buckets above a page
)

// meta is the newest valid meta page.
type meta struct {
	pageSize int64
	root     uint64
	pages    uint64
	tx       uint64
}

// pageChecker walks a database's pages. No page may be met twice, so no tree is a loop.
type pageChecker struct {
	r    io.ReaderAt
	size int64
	meta meta
	seen map[uint64]bool
	used map[uint64]int64 // of each page seen: where in the file the bytes end that the tree reads
	left int64            // elements that a file of this size can hold without sharing bytes
}

// checkBolt checks every page that reading can reach: inside the file, of the right kind, its elements inside the page.
func checkBolt(r io.ReaderAt, size int64) error {
	_, err := reachable(r, size)
	return err
}

// reachable is checkBolt, and gives the pages that were reached; nil where the database has no valid meta page.
func reachable(r io.ReaderAt, size int64) (*pageChecker, error) {
	m, err := newestMeta(r, size)
	if err != nil {
		return nil, err
	}
	c := &pageChecker{r: r, size: size, meta: m, seen: map[uint64]bool{}, used: map[uint64]int64{}, left: size / elementSize}
	return c, c.page(m.root, 0)
}

// newestMeta chooses as bbolt does.
func newestMeta(r io.ReaderAt, size int64) (meta, error) {
	first, firstErr := metaAt(r, 0)
	if firstErr == nil {
		second, err := metaAt(r, first.pageSize)
		if err == nil && second.tx > first.tx {
			if second.pageSize != first.pageSize {
				return meta{}, fmt.Errorf("meta pages with pages of %d and %d bytes", first.pageSize, second.pageSize)
			}
			return second, nil
		}
		return first, nil
	}
	for at := int64(1024); at < size-1024 && at <= 32<<20; at *= 2 {
		if m, err := metaAt(r, at); err == nil {
			if m.pageSize != at {
				return meta{}, fmt.Errorf("meta page at byte %d with pages of %d bytes", at, m.pageSize)
			}
			return m, nil
		}
	}
	return meta{}, fmt.Errorf("no valid meta page: %w", firstErr)
}

func metaAt(r io.ReaderAt, at int64) (meta, error) {
	b := make([]byte, pageHeader+64)
	if _, err := r.ReadAt(b, at); err != nil {
		return meta{}, fmt.Errorf("read meta page at byte %d: %w", at, err)
	}
	le := binary.LittleEndian
	b = b[pageHeader:]
	sum := fnv.New64a()
	sum.Write(b[:56])
	if le.Uint32(b) != boltMagic || le.Uint32(b[4:]) != 2 || sum.Sum64() != le.Uint64(b[56:]) {
		return meta{}, fmt.Errorf("meta page at byte %d is not valid", at)
	}
	m := meta{pageSize: int64(le.Uint32(b[8:])), root: le.Uint64(b[16:]), pages: le.Uint64(b[40:]), tx: le.Uint64(b[48:])}
	if m.pageSize < 1024 || m.pageSize > 64<<10 || m.pageSize&(m.pageSize-1) != 0 {
		return meta{}, fmt.Errorf("meta page at byte %d: pages of %d bytes", at, m.pageSize)
	}
	return m, nil
}

// page checks one page and all below it.
func (c *pageChecker) page(id uint64, depth int) error {
	b, err := c.read(id, depth)
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	if err := c.elements(b, depth); err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

func (c *pageChecker) read(id uint64, depth int) ([]byte, error) {
	switch {
	case id < 2 || id >= c.meta.pages || id >= uint64(c.size/c.meta.pageSize):
		return nil, fmt.Errorf("outside the %d pages of the file", c.size/c.meta.pageSize)
	case c.seen[id]:
		return nil, errors.New("is met twice")
	case depth > maxTreeDepth:
		return nil, fmt.Errorf("lies more than %d levels deep", maxTreeDepth)
	}
	c.seen[id] = true
	header := make([]byte, pageHeader)
	if _, err := c.r.ReadAt(header, int64(id)*c.meta.pageSize); err != nil {
		return nil, err
	}
	if found := binary.LittleEndian.Uint64(header); found != id {
		return nil, fmt.Errorf("calls itself page %d", found)
	}
	length := (1 + int64(binary.LittleEndian.Uint32(header[12:]))) * c.meta.pageSize
	if int64(id)*c.meta.pageSize+length > c.size {
		return nil, fmt.Errorf("its %d bytes do not fit in the file", length)
	}
	for n := uint64(1); n < uint64(length/c.meta.pageSize); n++ {
		if c.seen[id+n] {
			return nil, errors.New("overlaps another page")
		}
		c.seen[id+n] = true
	}
	b := make([]byte, length)
	_, err := c.r.ReadAt(b, int64(id)*c.meta.pageSize)
	for n := range uint64(length / c.meta.pageSize) {
		c.used[id+n] = int64(id)*c.meta.pageSize + usedOf(b)
	}
	return b, err
}

// usedOf gives how many bytes of a page its elements take, from its start to the end of the last of them.
func usedOf(b []byte) int64 {
	le := binary.LittleEndian
	count := min(int(le.Uint16(b[10:])), (len(b)-pageHeader)/elementSize)
	end := int64(pageHeader + count*elementSize)
	for i := range count {
		e := b[pageHeader+i*elementSize:]
		at, length := int64(le.Uint32(e)), int64(le.Uint32(e[4:]))
		if le.Uint16(b[8:]) == leafFlag {
			at, length = int64(le.Uint32(e[4:])), int64(le.Uint32(e[8:]))+int64(le.Uint32(e[12:]))
		}
		end = max(end, int64(pageHeader+i*elementSize)+at+length)
	}
	return min(end, int64(len(b)))
}

// elements checks what a page holds; b may also be a bucket that stands inside its parent's page.
func (c *pageChecker) elements(b []byte, depth int) error {
	le := binary.LittleEndian
	if len(b) < pageHeader {
		return fmt.Errorf("%d bytes are no page", len(b))
	}
	flags, count := le.Uint16(b[8:]), int(le.Uint16(b[10:]))
	if pageHeader+count*elementSize > len(b) {
		return fmt.Errorf("%d elements do not fit", count)
	}
	if c.left -= int64(count); c.left < 0 {
		return errors.New("elements share their bytes")
	}
	for i := range count {
		e := b[pageHeader+i*elementSize:]
		var err error
		switch flags {
		case branchFlag:
			err = c.branch(e, depth)
		case leafFlag:
			err = c.leaf(e, depth)
		default:
			err = fmt.Errorf("is of kind %#x", flags)
		}
		if err != nil {
			return err
		}
	}
	if flags == branchFlag && count == 0 {
		return errors.New("a branch without elements")
	}
	return nil
}

func (c *pageChecker) branch(e []byte, depth int) error {
	le := binary.LittleEndian
	if uint64(le.Uint32(e))+uint64(le.Uint32(e[4:])) > uint64(len(e)) {
		return errors.New("a key lies outside")
	}
	return c.page(le.Uint64(e[8:]), depth+1)
}

func (c *pageChecker) leaf(e []byte, depth int) error {
	le := binary.LittleEndian
	at, key, value := uint64(le.Uint32(e[4:])), uint64(le.Uint32(e[8:])), uint64(le.Uint32(e[12:]))
	if at+key+value > uint64(len(e)) {
		return errors.New("a key or value lies outside")
	}
	if le.Uint32(e)&bucketFlag == 0 {
		return nil
	}
	v := e[at+key : at+key+value]
	if len(v) < bucketHeader {
		return errors.New("a bucket without its header")
	}
	if root := le.Uint64(v); root != 0 {
		return c.page(root, depth+1)
	}
	if depth+1 > maxTreeDepth {
		return fmt.Errorf("buckets nest more than %d deep", maxTreeDepth)
	}
	if len(v) < bucketHeader+pageHeader || le.Uint16(v[bucketHeader+8:]) != leafFlag {
		return errors.New("a bucket inside a page that is no leaf")
	}
	return c.elements(v[bucketHeader:], depth+1)
}
