package custody

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// By says on whose account something enters a case: the step, and the idempotency key of its call.
type By struct {
	Step string `json:"step"`
	Key  string `json:"key"`
}

// Item is one file of evidence.
type Item struct {
	Path   string `json:"path" doc:"Path inside the case directory"`
	Kind   string `json:"kind" doc:"What it is, such as log, image or report"`
	SHA256 string `json:"sha256" doc:"SHA-256 of the file, in hex"`
	Size   int64  `json:"size" doc:"Bytes"`
}

// Case is the directory of one case.
type Case struct {
	id  string
	dir string
	now func() time.Time
}

// ID is the case's id.
func (c *Case) ID() string { return c.id }

// Dir is the case's directory.
func (c *Case) Dir() string { return c.dir }

// Put adds one file under name, a slash-separated path inside the case. write is called with a writer that hashes as
// it streams to the disk; the file takes its name only once it is whole, so a killed call leaves nothing behind. A
// second call with the same By returns the item of the first without calling write; another call that asks for the
// same name gets ErrWritten.
func (c *Case) Put(ctx context.Context, by By, name, kind string, write func(io.Writer) error) (Item, error) {
	return c.add(ctx, by, name, kind, func(temp string) (Item, error) { return stream(ctx, temp, write) })
}

// Adopt adds a file that a call made in its Scratch directory, hashing it where it lies and then giving it its name.
// Large captures that resume after a kill are made this way.
func (c *Case) Adopt(ctx context.Context, by By, name, kind, from string) (Item, error) {
	return c.add(ctx, by, name, kind, func(temp string) (Item, error) {
		item, err := digest(ctx, from)
		if err != nil {
			return Item{}, err
		}
		return item, os.Rename(from, temp)
	})
}

func (c *Case) add(ctx context.Context, by By, name, kind string, fill func(temp string) (Item, error)) (Item, error) {
	if err := checkName(name); err != nil {
		return Item{}, err
	}
	if item, found, err := c.find(by, name); found || err != nil {
		return item, err
	}
	scratch, err := c.Scratch(by)
	if err != nil {
		return Item{}, err
	}
	temp := filepath.Join(scratch, "put-"+flat(name))
	item, err := fill(temp)
	if err != nil {
		return Item{}, errors.Join(fmt.Errorf("evidence %q: %w", name, err), removeIfThere(temp))
	}
	item.Path, item.Kind = name, kind
	return c.commit(ctx, by, temp, item)
}

// commit gives the file its name and writes the log's entry, both under the case's lock: of two racing calls with one
// By the second finds the first one's entry.
func (c *Case) commit(_ context.Context, by By, temp string, item Item) (Item, error) {
	unlock, err := c.lock()
	if err != nil {
		return Item{}, err
	}
	defer unlock()
	if there, found, err := c.find(by, item.Path); found || err != nil {
		return there, errors.Join(err, removeIfThere(temp))
	}
	target := filepath.Join(c.dir, filepath.FromSlash(item.Path))
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return Item{}, fmt.Errorf("evidence %q: %w", item.Path, err)
	}
	if err := os.Rename(temp, target); err != nil {
		return Item{}, fmt.Errorf("evidence %q: %w", item.Path, err)
	}
	if err := syncDir(filepath.Dir(target)); err != nil {
		return Item{}, fmt.Errorf("evidence %q: %w", item.Path, err)
	}
	return item, c.append(Entry{By: by, Action: Added, Item: item})
}

// find gives the item that the log already holds under name.
func (c *Case) find(by By, name string) (Item, bool, error) {
	entries, err := c.Log()
	if err != nil {
		return Item{}, false, err
	}
	for _, e := range entries {
		if e.Action != Added || e.Item.Path != name {
			continue
		}
		if e.By != by {
			return Item{}, false, fmt.Errorf("evidence %q, written by step %q: %w", name, e.By.Step, ErrWritten)
		}
		return e.Item, true, nil
	}
	return Item{}, false, nil
}

// Scratch is a directory for what a call makes before it is evidence: the same one on every attempt of the call. It is
// on the case's file system and never part of the manifest.
func (c *Case) Scratch(by By) (string, error) {
	sum := sha256.Sum256([]byte(by.Key + "\x00" + by.Step))
	dir := filepath.Join(c.dir, scratchName, hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("scratch of step %q: %w", by.Step, err)
	}
	return dir, nil
}

// Path gives the place of a piece of evidence on this machine. A name that leads out of the case is refused.
func (c *Case) Path(name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	return filepath.Join(c.dir, filepath.FromSlash(name)), nil
}

func checkName(name string) error {
	switch {
	case !fs.ValidPath(name) || name == ".":
		return fmt.Errorf("evidence name %q is not a plain path inside the case", name)
	case strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\\' }):
		return fmt.Errorf("evidence name %q holds a control character or a backslash", name)
	case len(name) > 1024 || len(path.Base(name)) > 200:
		return fmt.Errorf("evidence name %.40q… is too long", name)
	case strings.HasPrefix(name, ".") || name == LogName || name == ManifestName:
		return fmt.Errorf("evidence name %q belongs to the case itself", name)
	}
	return nil
}

func flat(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:8])
}

func stream(ctx context.Context, temp string, write func(io.Writer) error) (Item, error) {
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return Item{}, err
	}
	w := &hashingWriter{ctx: ctx, to: f, sum: sha256.New()}
	if err := errors.Join(write(w), f.Sync(), f.Close()); err != nil {
		return Item{}, err
	}
	return Item{SHA256: hex.EncodeToString(w.sum.Sum(nil)), Size: w.n}, nil
}

type hashingWriter struct {
	ctx context.Context
	to  io.Writer
	sum hash.Hash
	n   int64
}

// Write stops a capture that nobody waits for any more.
func (w *hashingWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.to.Write(p)
	w.sum.Write(p[:n])
	w.n += int64(n)
	return n, err
}

func digest(ctx context.Context, name string) (Item, error) {
	f, err := os.Open(name)
	if err != nil {
		return Item{}, err
	}
	defer f.Close()
	w := &hashingWriter{ctx: ctx, to: io.Discard, sum: sha256.New()}
	if _, err := io.Copy(w, f); err != nil {
		return Item{}, err
	}
	return Item{SHA256: hex.EncodeToString(w.sum.Sum(nil)), Size: w.n}, f.Sync()
}

func removeIfThere(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
