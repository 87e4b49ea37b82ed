package block

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// Local is a directory of this machine in which the blocks of a snapshot are kept once they were read: an analysis that
// was killed does not fetch them again, and memory holds none of them. The zero value keeps nothing.
type Local struct {
	Dir   string
	Bytes int64 // of blocks; 16 GiB when zero. What does not fit any more is kept in memory alone
}

// local is a sparse file of the volume's size, and an index with a line for each block that is in it.
type local struct {
	file *os.File
	log  *os.File
	most int64

	mu    sync.Mutex
	left  map[int32]Entry    // written by an analysis before, and not looked at yet
	has   map[int32]struct{} // written or proven by this one
	used  int64              // bytes
	fault error              // of this machine; after it nothing more is kept
}

// openLocal opens or makes the files of a snapshot. ErrBusy tells that another analysis uses them.
func openLocal(s *Snapshot, at Local) (*local, error) {
	if err := os.MkdirAll(at.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory for blocks: %w", err)
	}
	l := &local{most: positive(at.Bytes, 16<<30), left: map[int32]Entry{}, has: map[int32]struct{}{}}
	path := filepath.Join(at.Dir, s.id)
	var err error
	if l.file, err = os.OpenFile(path+".blocks", os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("open the file for blocks: %w", err)
	}
	if l.log, err = os.OpenFile(path+".jsonl", os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("open the index of blocks: %w", err), l.file.Close())
	}
	if err := l.take(s); err != nil {
		return nil, errors.Join(fmt.Errorf("blocks kept in %q: %w", path, err), l.close())
	}
	return l, nil
}

// take takes over what an analysis before left, of the same snapshot.
func (l *local) take(s *Snapshot) error {
	if err := lock(l.file); err != nil {
		return err
	}
	raw, err := io.ReadAll(l.log)
	if err != nil {
		return err
	}
	entries, end := parseLocal(raw, headerOf(s), s.holds)
	for _, e := range entries {
		l.left[e.Index] = e
	}
	l.used = int64(len(l.left)) * int64(s.blockSize)
	if err := errors.Join(l.log.Truncate(end), l.file.Truncate(s.size)); err != nil {
		return err
	}
	if _, err := l.log.Seek(end, io.SeekStart); err != nil || end > 0 {
		return err
	}
	return l.line(headerOf(s))
}

// parseLocal reads the lines of an index under the header wanted, and gives where the last good line ends. It stops at
// the first that is torn or does not fit.
func parseLocal(raw []byte, wanted Header, holds func(int32) bool) (entries []Entry, end int64) {
	line, rest, whole := bytes.Cut(raw, []byte("\n"))
	var header Header
	if !whole || json.Unmarshal(line, &header) != nil || header != wanted {
		return nil, 0
	}
	for {
		end = int64(len(raw) - len(rest))
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		var e Entry
		if !whole || json.Unmarshal(line, &e) != nil || !e.fits(e.Index, wanted.BlockSize) || !e.came() || !holds(e.Index) {
			return entries, end
		}
		entries, rest = append(entries, e), after
	}
}

// proven tells a block whose bytes in the file were checked by this analysis.
func (l *local) proven(index int32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.has[index]
	return ok
}

// prove reads a block that an analysis before has left, and checks it.
func (l *local) prove(index int32) (Block, bool) {
	l.mu.Lock()
	e, ok := l.left[index]
	l.mu.Unlock()
	if !ok {
		return Block{}, false
	}
	data := make([]byte, e.Length)
	_, err := l.file.ReadAt(data, e.Offset)
	sum := sha256.Sum256(data)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.left, index)
	if err != nil || base64.StdEncoding.EncodeToString(sum[:]) != e.Checksum {
		l.used -= e.Length
		return Block{}, false
	}
	l.has[index] = struct{}{}
	return Block{Index: index, Offset: e.Offset, Data: data, Checksum: e.Checksum, Fetched: e.Fetched}, true
}

// store keeps a block: the bytes first, then the line that says that they are there.
func (l *local) store(b Block) {
	if !l.reserve(int64(len(b.Data))) {
		return
	}
	_, err := l.file.WriteAt(b.Data, b.Offset)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		err = l.line(entryOf(b))
	}
	if err != nil {
		l.fault = fmt.Errorf("keep block %d: %w", b.Index, err)
		return
	}
	l.has[b.Index] = struct{}{}
}

func (l *local) reserve(length int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault != nil || l.used+length > l.most {
		return false
	}
	l.used += length
	return true
}

// full tells that no more blocks are kept.
func (l *local) full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault != nil || l.used >= l.most
}

func (l *local) line(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the index of blocks: %w", err)
	}
	_, err = l.log.Write(append(raw, '\n'))
	return err
}

func (l *local) close() error { return errors.Join(l.log.Close(), l.file.Close()) }
