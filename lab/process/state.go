package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Entry is one thing that Down has to undo: a process or a cleanup.
type Entry struct {
	Process *Process `json:"process,omitempty"`
	Cleanup *Cleanup `json:"cleanup,omitempty"`
}

// Process is a recorded child. A zero ID means that the child was about to be started when the record was written.
type Process struct {
	Name  string        `json:"name"`
	Path  string        `json:"path"`
	Args  []string      `json:"args,omitempty"`
	Grace time.Duration `json:"grace"`
	ID    ID            `json:"id"`
}

// stateName is the record's name in the group's directory.
const stateName = "state.json"

// draftPrefix begins the name of a record that is being written.
const draftPrefix = ".state-"

// stateFile is the ordered record on disk. Every change is made under a lock and replaces the file atomically.
type stateFile struct{ path string }

// claim writes an empty record where there is none, unless the directory is somebody else's.
func (s stateFile) claim() error {
	dir := filepath.Dir(s.path)
	entries, err := os.ReadDir(dir)
	if err != nil || Recorded(dir) {
		return err
	}
	for _, entry := range entries {
		// Another group may be opening it at this moment.
		if name := entry.Name(); name != stateName+".lock" && !strings.HasPrefix(name, draftPrefix) && !Recorded(dir) {
			return ForeignError{dir}
		}
	}
	return s.change(func(entries []Entry) ([]Entry, error) { return entries, nil })
}

func (s stateFile) read() ([]Entry, error) {
	raw, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read lab state: %w", err)
	}
	var entries []Entry
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, fmt.Errorf("read lab state %q: %w", s.path, err)
	}
	return entries, nil
}

func (s stateFile) change(edit func([]Entry) ([]Entry, error)) error {
	unlock, err := lockNow(s.path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	entries, err := s.read()
	if err != nil {
		return err
	}
	if entries, err = edit(entries); err != nil {
		return err
	}
	return s.write(entries)
}

func (s stateFile) remove(index int) error {
	return s.change(func(entries []Entry) ([]Entry, error) {
		if index >= len(entries) {
			return entries, nil
		}
		return append(entries[:index], entries[index+1:]...), nil
	})
}

// write replaces the file; the rename makes a killed writer leave either the old record or the new one.
func (s stateFile) write(entries []Entry) error {
	raw, err := json.MarshalIndent(entries, "", "  ")
	if err != nil {
		return fmt.Errorf("write lab state: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(s.path), draftPrefix+"*")
	if err != nil {
		return fmt.Errorf("write lab state: %w", err)
	}
	defer os.Remove(file.Name())
	_, err = file.Write(append(raw, '\n'))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write lab state %q: %w", s.path, err)
	}
	return os.Rename(file.Name(), s.path)
}

// lockNow waits as long as it takes: the record is held for the time of one write, and is written when all else was
// cancelled, too.
func lockNow(path string) (unlock func(), err error) { return Lock(context.Background(), path) }

// Lock waits for an exclusive lock on path, as long as ctx lets it. The kernel releases it when the holder dies.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	for {
		unlock, free, err := TryLock(path)
		if err != nil || free {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for lock %q: %w", path, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// LockAloud is Lock, and says once whom it waits for when it has to.
func LockAloud(ctx context.Context, path string, out io.Writer, whom string) (unlock func(), err error) {
	unlock, free, err := TryLock(path)
	if err != nil || free {
		return unlock, err
	}
	fmt.Fprintf(out, "waiting for %s\n", whom)
	return Lock(ctx, path)
}

// TryLock answers at once: free is false while somebody else holds the lock.
func TryLock(path string) (unlock func(), free bool, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, fmt.Errorf("lock: %w", err)
	}
	switch err := flock(file, syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		file.Close()
		return nil, false, nil
	case err != nil:
		file.Close()
		return nil, false, fmt.Errorf("lock %q: %w", path, err)
	}
	return func() { file.Close() }, true, nil
}

// flock repeats the call when a signal interrupts it, as the runtime's own preemption signals do.
func flock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
