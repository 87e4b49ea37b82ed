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
	"slices"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/custody/bagit"
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
	id   string
	dir  string
	now  func() time.Time
	disk disk
}

// ID is the case's id.
func (c *Case) ID() string { return c.id }

// Dir is the case's directory.
func (c *Case) Dir() string { return c.dir }

// Put adds one file under name, a slash-separated path inside the case that begins with data/. write is called with a writer that hashes as
// it streams to the disk; the file takes its name only once it is whole and in the log, so a call that is killed in the
// middle leaves nothing behind, and one that is killed later is finished by the next one. A second call with the same By
// returns the item of the first without calling write; another call that asks for the same name gets ErrWritten.
func (c *Case) Put(ctx context.Context, by By, name, kind string, write func(io.Writer) error) (Item, error) {
	return c.add(ctx, by, name, kind, func(scratch string) (pending, error) { return stream(ctx, scratch, name, write) })
}

// Adopt adds a file that a call made in its Scratch directory, hashing it where it lies and then giving it its name.
// Large captures that resume after a kill are made this way.
func (c *Case) Adopt(ctx context.Context, by By, name, kind, from string) (Item, error) {
	return c.add(ctx, by, name, kind, func(scratch string) (pending, error) {
		file, err := filepath.Rel(scratch, from)
		if err != nil || !filepath.IsLocal(file) {
			return pending{}, fmt.Errorf("%q is not in the call's scratch directory", from)
		}
		item, err := digest(ctx, from)
		return pending{Item: item, File: file, at: filepath.Join(scratch, pendingPrefix+flat(name)+"-adopted"+pendingSuffix)}, err
	})
}

func (c *Case) add(ctx context.Context, by By, name, kind string, fill func(scratch string) (pending, error)) (Item, error) {
	if err := checkNew(name); err != nil {
		return Item{}, err
	}
	if err := c.finishOf(ctx, by, name); err != nil {
		return Item{}, err
	}
	if item, found, err := c.find(by, name); found || err != nil {
		return item, err
	}
	scratch, err := c.Scratch(by)
	if err != nil {
		return Item{}, err
	}
	p, err := fill(scratch)
	if err != nil {
		return Item{}, fmt.Errorf("evidence %q: %w", name, err)
	}
	p.By, p.Item.Path, p.Item.Kind = by, name, kind
	item, err := c.commit(p)
	if err != nil && !errors.Is(err, ErrWritten) {
		return Item{}, fmt.Errorf("evidence %q: %w", name, err)
	}
	return item, err
}

// Kept lists what a call has added so far, in the order of the log. What a killed attempt of it left whole is in it.
func (c *Case) Kept(ctx context.Context, by By) ([]Item, error) {
	if err := c.finishOf(ctx, by, ""); err != nil {
		return nil, err
	}
	entries, err := c.Log()
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, e := range entries {
		if e.Action == Added && e.By == by {
			items = append(items, e.Item)
		}
	}
	return items, nil
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
	dir := filepath.Join(c.dir, scratchName, scratchOf(by))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("scratch of step %q: %w", by.Step, err)
	}
	return dir, nil
}

func scratchOf(by By) string {
	sum := sha256.Sum256([]byte(by.Key + "\x00" + by.Step))
	return hex.EncodeToString(sum[:8])
}

// Path gives the place of a piece of evidence on this machine. A name that leads out of the case is refused.
func (c *Case) Path(name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	local := filepath.Join(c.dir, filepath.FromSlash(name))
	if _, err := os.Lstat(local); errors.Is(err, fs.ErrNotExist) {
		if err := c.placeLogged(name); err != nil {
			return "", fmt.Errorf("evidence %q: %w", name, err)
		}
	}
	return local, nil
}

func checkName(name string) error {
	switch {
	case !fs.ValidPath(name) || name == ".":
		return fmt.Errorf("evidence name %q is not a plain path inside the case", name)
	case strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\\' }):
		return fmt.Errorf("evidence name %q holds a control character or a backslash", name)
	case len(name) > 1024 || len(path.Base(name)) > 200:
		return fmt.Errorf("evidence name %.40q… is too long", name)
	case strings.HasPrefix(name, ".") || name == LogName || name == CaseName || name == bagit.TagManifestName || slices.Contains(tagFiles(), name):
		return fmt.Errorf("evidence name %q belongs to the case itself", name)
	}
	return nil
}

// checkNew holds for what becomes evidence now. Cases of former versions hold evidence outside of the payload's folder,
// which is still read.
func checkNew(name string) error {
	switch {
	case !strings.HasPrefix(name, bagit.Payload):
		return fmt.Errorf("evidence name %q is not below %s, which is the bag's payload", name, bagit.Payload)
	case strings.Contains(name, "%"):
		return fmt.Errorf("evidence name %q holds a percent sign, which BagIt and sha256sum read in two ways", name)
	}
	return checkName(name)
}

func flat(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:8])
}

// stream writes a file of its own for every attempt: one that was taken for dead and still writes cannot spoil it.
func stream(ctx context.Context, scratch, name string, write func(io.Writer) error) (pending, error) {
	if err := removeTemps(scratch, name); err != nil {
		return pending{}, err
	}
	f, err := os.CreateTemp(scratch, pendingPrefix+flat(name)+"-*"+tempSuffix)
	if err != nil {
		return pending{}, err
	}
	w := &hashingWriter{ctx: ctx, to: f, sum: sha256.New()}
	if err := errors.Join(write(w), f.Close()); err != nil {
		return pending{}, errors.Join(err, local{}.remove(f.Name()))
	}
	item := Item{SHA256: hex.EncodeToString(w.sum.Sum(nil)), Size: w.n}
	return pending{Item: item, File: filepath.Base(f.Name()), at: f.Name() + pendingSuffix}, nil
}

// removeTemps removes what attempts left that were killed while they wrote.
func removeTemps(scratch, name string) error {
	temps, err := namesIn(scratch, name, tempSuffix)
	for _, temp := range temps {
		err = errors.Join(err, local{}.remove(filepath.Join(scratch, temp)))
	}
	return err
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

// digest only reads: evidence can be checked where nothing can be written.
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
	return Item{SHA256: hex.EncodeToString(w.sum.Sum(nil)), Size: w.n}, nil
}
