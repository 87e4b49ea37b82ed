package inventory

import (
	"context"
	"sync"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// bulkScan scans a file system that can be read in the disk's order: some read directories ahead, one walks, some hash,
// and the caller's goroutine hands on.
func bulkScan(disk volume.Bulk, opts Options, s *sink) error {
	ctx, cancel := context.WithCancel(s.ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	a := newAhead(disk, opts)
	defer context.AfterFunc(ctx, a.end)()
	for range readers(opts) {
		all.Go(a.run)
	}
	walked, recycle := make(chan *batch, 4), make(chan *batch, 8)
	w := &walker{ahead: a, sink: s, recycle: recycle, budget: opts.budget(), give: func(b *batch) bool { return send(ctx, walked, b) }}
	all.Go(func() {
		defer close(walked)
		defer a.end()
		w.walk()
	})
	done := walked
	if opts.Hash {
		done = startHashing(ctx, &all, disk, opts, walked)
	}
	return handOn(ctx, s, done, recycle)
}

// readers is how many goroutines read the disk: more than compute, for some of them wait.
func readers(opts Options) int { return 2 * opts.Workers }

func send[T any](ctx context.Context, to chan<- T, what T) bool {
	select {
	case to <- what:
		return true
	case <-ctx.Done():
		return false
	}
}

func handOn(ctx context.Context, s *sink, done <-chan *batch, recycle chan<- *batch) error {
	for b := range done {
		for i := range b.items {
			b.items[i].finish()
			if err := s.take(b.items[i].entry); err != nil {
				return err
			}
		}
		select {
		case recycle <- b:
		default:
		}
	}
	return s.ctx.Err()
}
