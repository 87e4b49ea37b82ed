package block

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Target is where Export writes.
type Target struct {
	Image string // a sparse raw image of the whole volume
	Index string // JSON lines: a Header, an Entry for each block in the order of the disk, and the ranges never read
}

// ExportOptions are what Export can be told.
type ExportOptions struct {
	// Progress is called after each block that was read, or found in the image, with the bytes done and the bytes to do,
	// both of listed blocks alone. It is never called by two goroutines at once.
	Progress func(done, total int64)
}

// Damage is a block that never came, or never came right. It is a hole in the image.
type Damage struct {
	Index  int32  `json:"index"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	Want   string `json:"want"` // base64 SHA-256 as the API gave it; empty when it gave none
	Got    string `json:"got"`  // base64 SHA-256 of the bytes that came; empty when none came
	Why    string `json:"why,omitempty"`
}

// Exported is what Export wrote.
type Exported struct {
	Snapshot  string `json:"snapshot"`
	Size      int64  `json:"size"`      // of the volume and of the image, in bytes
	BlockSize int    `json:"blockSize"` // in bytes
	Blocks    int    `json:"blocks"`    // that the snapshot holds
	Read      int    `json:"read"`      // of them that are in the image and match their checksum
	Resumed   int    `json:"resumed"`   // of those, read by an attempt before this one
	Bytes     int64  `json:"bytes"`     // length of the blocks read
	// Linear is AWS's LINEAR checksum of the snapshot in hexadecimal: SHA-256 over the raw SHA-256s of all blocks that it
	// holds in the order of their indexes, as the API gave them. Empty when a block gave none.
	Linear    string   `json:"linear,omitempty"`
	NeverRead []Range  `json:"neverRead,omitempty"`
	Corrupt   []Damage `json:"corrupt,omitempty"`
}

// ErrBusy is returned when another Export writes the same image, in this process or in another.
var ErrBusy = errors.New("another attempt is still writing")

// Export writes the whole snapshot as a sparse raw image, and an index of its blocks beside it. It goes on where a
// killed Export of the same snapshot to the same target stopped: what is on disk already is checked against the index
// and kept, and what was corrupt or missing is asked for again. A block that is corrupt or missing, or at which alone the
// service fails, is reported and left out and the rest is still read; any other failure of the API ends the export with an *APIError, and what was written stays for the next attempt.
func Export(ctx context.Context, s *Snapshot, to Target, opts ExportOptions) (Exported, error) {
	image, err := os.OpenFile(to.Image, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return Exported{}, fmt.Errorf("open image to write: %w", err)
	}
	defer image.Close()
	if err := lock(image); err != nil {
		return Exported{}, fmt.Errorf("lock image %q: %w", to.Image, err)
	}
	x := &exporter{snapshot: s, image: image, progress: opts.Progress}
	if x.log, err = openIndex(ctx, to.Index, s, image, x.reportDone); err != nil {
		return Exported{}, err
	}
	defer x.log.file.Close()
	if err := errors.Join(image.Truncate(x.log.imageEnd()), image.Truncate(s.size)); err != nil { // nothing else is left of before
		return Exported{}, fmt.Errorf("size image: %w", err)
	}
	if err := x.mend(ctx); err != nil {
		return Exported{}, err
	}
	if err := x.run(ctx); err != nil {
		return Exported{}, err
	}
	return x.finish()
}

// lock keeps every other Export away from the image until it is closed.
func lock(image *os.File) error {
	err := syscall.Flock(int(image.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrBusy
	}
	return err
}

type exporter struct {
	snapshot *Snapshot
	image    *os.File
	log      *indexFile
	progress func(done, total int64)
}

type fetched struct {
	block Block
	err   error
}

// run fetches many blocks at once and writes them in the order of the disk, so that the index is the same whatever
// the concurrency, and its last line is the place to resume from. The queue's length bounds the memory.
func (x *exporter) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	queue := make(chan chan fetched, x.snapshot.opts.Concurrency-1) // one more is being waited for
	wanted := x.snapshot.indexes[len(x.log.entries):]
	go x.fetchAll(ctx, wanted, queue)
	x.report()
	for range wanted {
		var one fetched
		select {
		case result := <-queue:
			one = <-result
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := x.write(one); err != nil {
			return err
		}
		x.report()
	}
	return nil
}

// mend asks again for the blocks that were corrupt or missing when an attempt before this one read them.
func (x *exporter) mend(ctx context.Context) error {
	mended := false
	for at, e := range x.log.entries {
		if e.came() {
			continue
		}
		block, err := x.snapshot.Fetch(ctx, e.Index)
		if onlyThis(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := x.place(block); err != nil {
			return err
		}
		x.log.entries[at], mended = entryOf(block), true
	}
	if !mended {
		return nil
	}
	return x.log.rewrite(headerOf(x.snapshot))
}

func (x *exporter) place(b Block) error {
	if _, err := x.image.WriteAt(b.Data, b.Offset); err != nil {
		return fmt.Errorf("write block %d to the image: %w", b.Index, err)
	}
	return nil
}

func (x *exporter) fetchAll(ctx context.Context, wanted []int32, queue chan<- chan fetched) {
	for _, index := range wanted {
		result := make(chan fetched, 1)
		select {
		case queue <- result:
		case <-ctx.Done():
			return
		}
		go func() {
			block, err := x.snapshot.Fetch(ctx, index)
			result <- fetched{block, err}
		}()
	}
}

func (x *exporter) write(one fetched) error {
	if onlyThis(one.err) {
		return x.log.append(damaged(one.err, x.snapshot))
	}
	if one.err != nil {
		return one.err
	}
	if err := x.place(one.block); err != nil {
		return err
	}
	return x.log.append(entryOf(one.block))
}

func (x *exporter) report() { x.reportDone(len(x.log.entries)) }

func (x *exporter) reportDone(blocks int) {
	if x.progress != nil {
		size := int64(x.snapshot.blockSize)
		x.progress(int64(blocks)*size, int64(len(x.snapshot.indexes))*size)
	}
}

func (x *exporter) finish() (Exported, error) {
	out := summarize(x.snapshot, x.log)
	if err := x.log.seal(out.NeverRead); err != nil {
		return Exported{}, err
	}
	if err := errors.Join(x.image.Sync(), x.log.file.Sync()); err != nil {
		return Exported{}, fmt.Errorf("flush image and index: %w", err)
	}
	return out, nil
}

func summarize(s *Snapshot, log *indexFile) Exported {
	out := Exported{
		Snapshot: s.id, Size: s.size, BlockSize: s.blockSize, Blocks: len(s.indexes), Resumed: log.resumed,
		Linear: linear(log.entries), NeverRead: s.NeverRead(),
	}
	for _, e := range log.entries {
		if e.came() {
			out.Read++
			continue
		}
		out.Corrupt = append(out.Corrupt, Damage{e.Index, e.Offset, e.Length, e.Checksum, e.Got, e.Why})
	}
	out.Bytes = int64(out.Read) * int64(s.blockSize)
	return out
}
