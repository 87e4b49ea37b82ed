package custody

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// pending says of a file in a call's scratch directory that it is whole and which piece of evidence it is. It is written
// before anything else happens to the file. From then on a kill loses nothing: whoever needs the file next, or the seal,
// goes on where the call stopped.
type pending struct {
	By   By     `json:"by"`
	Item Item   `json:"item"`
	File string `json:"file"` // in the scratch directory

	at string // where this is written, beside the file
}

const (
	pendingPrefix = "put-"
	pendingSuffix = ".json"
	tempSuffix    = ".part"
)

func (p pending) file() string { return filepath.Join(filepath.Dir(p.at), p.File) }

// commit makes a whole file evidence.
func (c *Case) commit(p pending) (Item, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return Item{}, err
	}
	if err := c.disk.write(p.at, raw); err != nil {
		return Item{}, err
	}
	if err := c.disk.sync(p.file()); err != nil {
		return Item{}, err
	}
	unlock, err := c.lock()
	if err != nil {
		return Item{}, err
	}
	defer unlock()
	return c.enter(p)
}

// enter writes the log's entry and then gives the file its name: the log never lacks a file that has its name. The
// caller holds the lock. Of two racing calls with one By the second finds the first one's entry.
func (c *Case) enter(p pending) (Item, error) {
	there, found, err := c.find(p.By, p.Item.Path)
	switch {
	case errors.Is(err, ErrWritten), found && there != p.Item:
		return there, errors.Join(err, c.disk.remove(p.file()), c.disk.remove(p.at))
	case err != nil:
		return Item{}, err
	case !found:
		if err := c.append(Entry{By: p.By, Action: Added, Item: p.Item}); err != nil {
			return Item{}, err
		}
	}
	return p.Item, c.place(p)
}

// place gives a file that the log knows its name.
func (c *Case) place(p pending) error {
	target := filepath.Join(c.dir, filepath.FromSlash(p.Item.Path))
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return err
	}
	if err := c.disk.rename(p.file(), target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := syncUp(c.disk, c.dir, filepath.Dir(target)); err != nil {
		return err
	}
	return c.disk.remove(p.at)
}

// finish does what a killed call left undone. A file that is not the one that was called whole, as after a power cut, is
// no evidence: it is dropped and captured again. The caller holds the lock.
func (c *Case) finish(ctx context.Context, p pending) error {
	_, logged, err := c.find(p.By, p.Item.Path)
	if err != nil && !errors.Is(err, ErrWritten) {
		return err
	}
	if !logged && err == nil {
		got, err := digest(ctx, p.file())
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist), err == nil && (got.SHA256 != p.Item.SHA256 || got.Size != p.Item.Size):
			return errors.Join(c.disk.remove(p.file()), c.disk.remove(p.at))
		case err != nil:
			return err
		}
		if err := c.disk.sync(p.file()); err != nil {
			return err
		}
	}
	if _, err := c.enter(p); !errors.Is(err, ErrWritten) { // else the name is another call's by now
		return err
	}
	return nil
}

// finishAll finishes what killed calls left, in the order in which it stands on the disk.
func (c *Case) finishAll(ctx context.Context, left []pending) error {
	for _, p := range left {
		if err := c.finish(ctx, p); err != nil {
			return fmt.Errorf("finish evidence %q of a killed attempt: %w", p.Item.Path, err)
		}
	}
	return nil
}

// finishOf finishes what killed attempts of one call left under a name, or under any where it is empty.
func (c *Case) finishOf(ctx context.Context, by By, name string) error {
	left, err := c.left(scratchOf(by), name)
	if err != nil || len(left) == 0 {
		return err
	}
	unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return c.finishAll(ctx, left)
}

// placeLogged gives a file its name that the log knows already. It needs no second look at the file's bytes.
func (c *Case) placeLogged(name string) error {
	left, err := c.leftAll(name)
	if err != nil || len(left) == 0 {
		return err
	}
	unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	for _, p := range left {
		if there, logged, err := c.find(p.By, name); err == nil && logged && there == p.Item {
			return c.place(p)
		}
	}
	return nil
}

// leftAll lists what killed calls left, of all calls.
func (c *Case) leftAll(name string) ([]pending, error) {
	calls, err := os.ReadDir(filepath.Join(c.dir, scratchName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []pending
	for _, call := range calls {
		left, err := c.left(call.Name(), name)
		if err != nil {
			return nil, err
		}
		out = append(out, left...)
	}
	return out, nil
}

// left lists what killed attempts of the call with that scratch directory left under a name, or under any.
func (c *Case) left(scratch, name string) ([]pending, error) {
	dir := filepath.Join(c.dir, scratchName, scratch)
	files, err := namesIn(dir, name, pendingSuffix)
	if err != nil {
		return nil, err
	}
	var out []pending
	for _, file := range files {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		p := pending{at: filepath.Join(dir, file)}
		if json.Unmarshal(raw, &p) != nil || checkName(p.Item.Path) != nil || !filepath.IsLocal(p.File) {
			continue // cut short: the call died before it could say that the file is whole
		}
		out = append(out, p)
	}
	return out, nil
}

// namesIn lists the files in a scratch directory that custody made for a name, or for any.
func namesIn(dir, name, suffix string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	prefix := pendingPrefix
	if name != "" {
		prefix += flat(name) + "-"
	}
	var out []string
	for _, f := range files {
		if strings.HasPrefix(f.Name(), prefix) && strings.HasSuffix(f.Name(), suffix) {
			out = append(out, f.Name())
		}
	}
	return out, nil
}
