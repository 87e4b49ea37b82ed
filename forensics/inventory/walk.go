package inventory

import (
	"fmt"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

const (
	maxDepth  = 2048 // directories below each other, as for Walk
	batchSize = 256
)

// item is an entry on its way to the caller.
type item struct {
	entry   Entry
	at      int64
	whole   bool
	refused string // why it is not hashed
	job     *job   // which hashes it
}

// batch is a number of items that are handed on at once.
type batch struct{ items []item }

// walker goes through the directories that were read, in order, and makes entries of them.
type walker struct {
	ahead   *ahead
	sink    *sink
	stack   []level
	path    []byte
	batch   *batch
	give    func(*batch) bool // false when nobody wants more
	recycle <-chan *batch
	marked  int // directories of the stack whose name came before
	budget  budget
}

// level is a directory that the walk is in.
type level struct {
	list *volume.Listing
	next int
	path int // bytes of the path of the directory itself
	twin int // how many entries before this one have the same name
}

func (w *walker) walk() {
	w.batch = &batch{}
	root := w.ahead.disk.Root()
	w.stack = append(w.stack, level{list: root})
	for len(w.stack) > 0 {
		top := &w.stack[len(w.stack)-1]
		if top.next == len(top.list.Records) {
			w.leave(top)
			continue
		}
		top.next++
		if !w.visit(top, top.next-1) {
			return
		}
	}
	w.give(w.batch)
}

func (w *walker) leave(top *level) {
	if len(w.stack) > 1 {
		w.ahead.letGo(top.list)
	}
	w.stack = w.stack[:len(w.stack)-1]
	if n := len(w.stack); n > 0 {
		w.unmark(&w.stack[n-1])
	}
}

// unmark is called when the walk is through with what lies below an entry.
func (w *walker) unmark(above *level) {
	if above.twin > 0 {
		w.marked--
	}
}

// visit makes an entry and goes down into a directory; it is false when nobody wants more.
func (w *walker) visit(at *level, i int) bool {
	r := &at.list.Records[i]
	at.twin = w.twinOf(at, i)
	w.path = w.path[:at.path]
	if at.path > 0 {
		w.path = append(w.path, '/')
	}
	w.path = append(w.path, at.list.Name(i)...)
	e := item{entry: Entry{Path: string(w.path), Stat: r.Stat(), Problem: at.list.Problems[i]}, at: r.At, whole: r.Whole}
	e.refused = w.budget.refuses(&e.entry.Stat)
	if r.Type() == volume.TypeLink {
		e.entry.Target = string(at.list.Target(i))
	}
	if at.twin > 0 || w.marked > 0 {
		e.entry.cursor = w.cursor()
	}
	below, ok := w.enter(r, &e.entry)
	if !ok || !w.add(e) {
		return false
	}
	if below != nil {
		w.down(at, below)
	}
	return true
}

// down goes into a directory. The root's own name is in no path.
func (w *walker) down(at *level, below *volume.Listing) {
	path := len(w.path)
	if len(w.stack) == 1 {
		path = 0
	}
	if at.twin > 0 {
		w.marked++
	}
	w.stack = append(w.stack, level{list: below, path: path})
}

func (w *walker) twinOf(at *level, i int) int {
	if i > 0 && string(at.list.Name(i)) == string(at.list.Name(i-1)) {
		return at.twin + 1
	}
	return 0
}

// cursor is that of the entry that is visited.
func (w *walker) cursor() string {
	counts := make([]int, 0, len(w.stack))
	for _, l := range w.stack[min(1, len(w.stack)-1):] {
		counts = append(counts, l.twin)
	}
	return mark(strings.Split(string(w.path), "/"), counts)
}

// enter gives a directory's list, and notes why there is none. It is false when the scan was called off.
func (w *walker) enter(r *volume.Record, e *Entry) (*volume.Listing, bool) {
	if r.Type() != volume.TypeDir {
		return nil, true
	}
	depth := len(w.stack) - 1
	switch {
	case w.ahead.walked.has(r.Inode()): // this goroutine alone adds to it
		e.addProblem(fmt.Sprintf("inode %d: the directory was met before", r.Inode()))
		return nil, true
	case depth > maxDepth:
		e.addProblem(fmt.Sprintf("inode %d: the directory lies %d levels deep", r.Inode(), depth))
		return nil, true
	}
	below := w.ahead.list(r)
	if below == nil {
		return nil, false
	}
	e.addProblem(below.Problem)
	return below, true
}

func (w *walker) add(e item) bool {
	if w.sink.skips(e.entry.Cursor()) {
		return true
	}
	w.batch.items = append(w.batch.items, e)
	if len(w.batch.items) < batchSize {
		return true
	}
	ok := w.give(w.batch)
	select {
	case w.batch = <-w.recycle:
		w.batch.items = w.batch.items[:0]
	default:
		w.batch = &batch{items: make([]item, 0, batchSize)}
	}
	return ok
}
