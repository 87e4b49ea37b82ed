package inventory

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// The files of a window are read in the order of the disk. A window is the same whatever the number of workers.
const (
	windowItems = 16384
	windowBytes = 512 << 20
	spanGap     = 64 << 10 // bytes that are read for nothing rather than read in two
	smallFile   = 256 << 10
)

// job is a file to hash.
type job struct {
	inode    uint64
	size, at int64
	whole    bool
	digest   digest
}

// span is a number of jobs whose bytes are read at once; one alone may be longer than that.
type span struct {
	jobs []*job
	to   int64
	in   *window
}

// window is a stretch of the walk.
type window struct {
	batches []*batch
	jobs    []*job
	items   int
	bytes   int64
	left    atomic.Int64 // spans that are not hashed
	done    chan struct{}
}

// hasher hashes the files of batches, and hands the batches on in their order.
type hasher struct {
	ctx   context.Context
	disk  volume.Bulk
	opts  Options
	spans chan span
	links map[uint64]*job // of files with several names
	now   *window
}

// startHashing gives the batches with their jobs done.
func startHashing(ctx context.Context, all *sync.WaitGroup, disk volume.Bulk, opts Options, in <-chan *batch) chan *batch {
	h := &hasher{ctx: ctx, disk: disk, opts: opts, spans: make(chan span, 64), links: map[uint64]*job{}}
	windows, out := make(chan *window, 1), make(chan *batch)
	for range min(2*readers(opts), int(max(opts.MemoryBytes/4/(2*chunk), 1))) {
		all.Go(h.work)
	}
	all.Go(func() {
		defer close(windows)
		defer close(h.spans)
		h.gather(in, windows)
	})
	all.Go(func() {
		defer close(out)
		h.release(windows, out)
	})
	return out
}

// gather makes windows of batches and spans of their files.
func (h *hasher) gather(in <-chan *batch, windows chan<- *window) {
	h.now = &window{done: make(chan struct{})}
	for b := range in {
		h.add(b)
		if h.now.items >= windowItems || h.now.bytes >= windowBytes {
			if !h.close(windows) {
				return
			}
		}
	}
	h.close(windows)
}

func (h *hasher) add(b *batch) {
	h.now.batches = append(h.now.batches, b)
	h.now.items += len(b.items)
	for i := range b.items {
		it := &b.items[i]
		switch {
		case !h.opts.wants(it.entry):
		case it.refused != "":
			it.entry.addProblem(it.refused)
		default:
			it.job = h.jobFor(it)
		}
	}
}

func (h *hasher) jobFor(it *item) *job {
	stat := &it.entry.Stat
	if j := h.links[stat.Inode]; j != nil {
		return j
	}
	j := &job{inode: stat.Inode, size: stat.Size, at: it.at, whole: it.whole}
	if stat.Links > 1 && len(h.links) < maxDigests {
		h.links[stat.Inode] = j
	}
	h.now.jobs = append(h.now.jobs, j)
	h.now.bytes += j.size
	return j
}

// close has the window's files hashed, and begins a new one.
func (h *hasher) close(windows chan<- *window) bool {
	w := h.now
	h.now = &window{done: make(chan struct{})}
	spans := w.spans()
	w.left.Store(int64(len(spans)))
	if len(spans) == 0 {
		close(w.done)
	}
	for _, s := range spans {
		if !send(h.ctx, h.spans, s) {
			return false
		}
	}
	return send(h.ctx, windows, w)
}

// spans joins the small files that lie side by side.
func (w *window) spans() []span {
	slices.SortFunc(w.jobs, func(x, y *job) int { return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.inode, y.inode)) })
	var out []span
	for i, j := range w.jobs {
		if last := len(out) - 1; last >= 0 && out[last].takes(j) {
			out[last].jobs = append(out[last].jobs, w.jobs[i])
			out[last].to = max(out[last].to, j.at+j.size)
			continue
		}
		out = append(out, span{jobs: w.jobs[i : i+1 : i+1], to: j.at + j.size, in: w})
	}
	w.jobs = nil
	return out
}

func (s span) takes(j *job) bool {
	first := s.jobs[0]
	return first.small() && j.small() && j.at-s.to <= spanGap && j.at+j.size-first.at <= chunk
}

func (j *job) small() bool { return j.whole && j.size <= smallFile }

// work hashes spans.
func (h *hasher) work() {
	b := &buffers{}
	for s := range h.spans {
		if h.ctx.Err() == nil {
			h.hash(s, b)
		}
		if s.in.left.Add(-1) == 0 {
			close(s.in.done)
		}
	}
}

func (h *hasher) hash(s span, b *buffers) {
	from := s.jobs[0].at
	if !s.jobs[0].small() || h.disk.ReadDisk(b.bytes(0, s.to-from), from) != nil {
		for _, j := range s.jobs { // each for itself, which says what is wrong with which
			j.digest = h.alone(j, b)
		}
		return
	}
	for _, j := range s.jobs {
		j.digest = digest{sum: sha256.Sum256(b[0][j.at-from:][:j.size]), hashed: true}
	}
}

func (h *hasher) alone(j *job, b *buffers) digest {
	f, err := h.disk.OpenInode(j.inode)
	if err != nil {
		return digest{problem: err.Error()}
	}
	defer func() { _ = f.Close() }() // it was only read
	return hashFile(h.ctx, f, j.size, b)
}

// release hands on the batches of windows whose files are hashed.
func (h *hasher) release(windows <-chan *window, out chan<- *batch) {
	for w := range windows {
		select {
		case <-w.done:
		case <-h.ctx.Done():
			return
		}
		for _, b := range w.batches {
			if !send(h.ctx, out, b) {
				return
			}
		}
	}
}

// finish writes what hashing gave into the entry.
func (i *item) finish() {
	if i.job == nil {
		return
	}
	i.job.digest.into(&i.entry)
	i.job = nil
}

func (d *digest) into(e *Entry) {
	if d.hashed {
		e.SHA256 = hex.EncodeToString(d.sum[:])
	}
	e.addProblem(d.problem)
}
