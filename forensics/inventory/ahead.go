package inventory

import (
	"cmp"
	"slices"
	"sync"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// branch is a directory that is known and not yet read.
type branch struct {
	inode    uint64
	at, size int64
}

// cost is what a directory is taken to need in memory before it is read: entries have 24 bytes on the disk, and few have
// less. At the worst, what is being read takes twice as much.
func (b branch) cost() int64 { return min(b.size, 1<<40)*(volume.RecordBytes+12)/24 + listBytes }

const (
	listBytes = 256 // of a list, besides its records and text
	together  = 64  // directories that are read at a time, at most
)

// ahead reads directories before the walk comes to them: those that it comes to first, as many as there is memory for.
// What the walk waits for is read in any case, so it always goes on. The order of the reads decides nothing but the time.
type ahead struct {
	disk    volume.Bulk
	limit   int64 // of what is held, in bytes
	most    int   // entries of one directory
	workers int

	mu      sync.Mutex
	work    *sync.Cond // there may be something to read
	came    *sync.Cond // a directory was read
	next    []branch   // to be read, that which the walk comes to first at the end
	reading map[uint64]bool
	read    map[uint64]*volume.Listing // which the walk has not come to
	walked  numbers
	wanted  branch // which the walk waits for and nobody reads
	held    int64
	full    bool // until a quarter of the memory is free again: directories are read many at a time, or the disk is slow
	ended   bool
}

func newAhead(disk volume.Bulk, opts Options) *ahead {
	a := &ahead{
		disk: disk, limit: opts.MemoryBytes / 4, most: int(max(opts.MemoryBytes/(volume.RecordBytes+48), 1)), workers: opts.Workers,
		reading: map[uint64]bool{}, read: map[uint64]*volume.Listing{}, walked: numbers{},
	}
	a.work, a.came = sync.NewCond(&a.mu), sync.NewCond(&a.mu)
	return a
}

// run reads until the walk has ended.
func (a *ahead) run() {
	for dirs := a.take(); len(dirs) > 0; dirs = a.take() {
		order := slices.Clone(dirs)
		slices.SortFunc(order, func(x, y branch) int { return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.inode, y.inode)) })
		inodes := make([]uint64, len(order))
		for i, d := range order {
			inodes[i] = d.inode
		}
		lists := a.disk.List(inodes, a.most)
		a.put(dirs, order, lists)
	}
}

// take waits for directories to read, and gives none when the walk has ended.
func (a *ahead) take() []branch {
	a.mu.Lock()
	defer a.mu.Unlock()
	for !a.ended {
		if dirs := a.choose(); len(dirs) > 0 {
			return dirs
		}
		a.work.Wait()
	}
	return nil
}

func (a *ahead) choose() []branch {
	var dirs []branch
	if d := a.wanted; d.inode != 0 {
		a.wanted = branch{}
		dirs = a.begin(dirs, d)
	}
	share := min(together, len(a.next)/a.workers/2+1)
	for len(dirs) < share && len(a.next) > 0 && !a.full {
		d := a.next[len(a.next)-1]
		known := a.reading[d.inode] || a.read[d.inode] != nil || a.walked.has(d.inode)
		if a.full = !known && a.held+d.cost() > a.limit; a.full {
			break
		}
		a.next = a.next[:len(a.next)-1]
		if !known {
			dirs = a.begin(dirs, d)
		}
	}
	return dirs
}

func (a *ahead) begin(dirs []branch, d branch) []branch {
	a.reading[d.inode] = true
	a.held += d.cost()
	return append(dirs, d)
}

// put takes lists, and puts the directories in them in front of what is to be read.
func (a *ahead) put(dirs, order []branch, lists []*volume.Listing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, d := range order {
		delete(a.reading, d.inode)
		a.read[d.inode] = lists[i]
		a.held += heldBy(lists[i]) - d.cost()
	}
	for _, d := range slices.Backward(dirs) {
		a.add(a.read[d.inode])
	}
	a.came.Signal()
	a.work.Broadcast()
}

func (a *ahead) add(l *volume.Listing) {
	for i := range slices.Backward(l.Records) {
		if r := &l.Records[i]; r.Type() == volume.TypeDir {
			a.next = append(a.next, branch{inode: r.Inode(), at: r.At, size: r.Size()})
		}
	}
}

func heldBy(l *volume.Listing) int64 {
	return int64(cap(l.Records))*volume.RecordBytes + int64(cap(l.Text)) + listBytes
}

// list gives the list of a directory to the walk, once; it is nil when the scan was called off.
func (a *ahead) list(r *volume.Record) *volume.Listing {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := r.Inode()
	for a.read[n] == nil {
		if a.ended {
			return nil
		}
		if !a.reading[n] && a.wanted.inode != n {
			a.wanted = branch{inode: n, at: r.At, size: r.Size()}
			a.work.Signal()
		}
		a.came.Wait()
	}
	l := a.read[n]
	delete(a.read, n)
	a.walked.add(n)
	return l
}

// letGo tells that the walk is through with a list.
func (a *ahead) letGo(l *volume.Listing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held -= heldBy(l)
	if a.full && a.held < a.limit/4*3 {
		a.full = false
		a.work.Broadcast()
	}
}

func (a *ahead) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	a.work.Broadcast()
	a.came.Broadcast()
}

// numbers is a set of inodes' numbers, of which many lie close to each other.
type numbers map[uint64]*[64]uint64

func (s numbers) has(n uint64) bool {
	page := s[n>>12]
	return page != nil && page[n>>6&63]&(1<<(n&63)) != 0
}

func (s numbers) add(n uint64) {
	page := s[n>>12]
	if page == nil {
		page = new([64]uint64)
		s[n>>12] = page
	}
	page[n>>6&63] |= 1 << (n & 63)
}
