package forensics

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/forensics/inventory"
)

// listedEntry is one line of inventory.jsonl. The cursor tells an attempt that comes after where to go on.
type listedEntry struct {
	inventory.Entry
	RawPath   []byte `json:"rawPath,omitempty"` // where it is no UTF-8, which JSON would not keep
	RawTarget []byte `json:"rawTarget,omitempty"`
	Cursor    string `json:"cursor"`
}

func listedOf(e inventory.Entry) listedEntry {
	out := listedEntry{Entry: e, Cursor: e.Cursor()}
	if !utf8.ValidString(e.Path) {
		out.RawPath = []byte(e.Path)
	}
	if !utf8.ValidString(e.Target) {
		out.RawTarget = []byte(e.Target)
	}
	return out
}

// whole gives the entry as it was scanned.
func (l listedEntry) whole() inventory.Entry {
	if l.RawPath != nil {
		l.Path = string(l.RawPath)
	}
	if l.RawTarget != nil {
		l.Target = string(l.RawTarget)
	}
	return l.Entry
}

// inventory lists and hashes every file. It is the longest part of an analysis, so it goes on behind the last entry that a
// killed attempt wrote whole; the body file and the timeline are made of it, and nothing is read twice.
func (l *looker) inventory(ctx context.Context) error {
	name := l.name("inventory.jsonl")
	item, known, err := l.find(ctx, name)
	if err == nil && !known {
		var made string
		if made, err = l.takeInventory(ctx); err == nil {
			item, err = l.c.Adopt(ctx, l.by, name, "inventory", made)
			err = writtenOnce(err)
		}
	}
	l.listed = item
	return l.keep(item, err)
}

// takeInventory writes the list in the call's scratch directory, and gives its place.
func (l *looker) takeInventory(ctx context.Context) (string, error) {
	scratch, err := l.c.Scratch(l.by)
	if err != nil {
		return "", err
	}
	made := filepath.Join(scratch, filepath.Base(l.name("inventory.jsonl")))
	file, err := os.OpenFile(made, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", fmt.Errorf("open the inventory: %w", err)
	}
	err = l.goOn(ctx, file)
	return made, errors.Join(err, file.Close())
}

func (l *looker) goOn(ctx context.Context, file *os.File) error {
	after, kept, err := lastWhole(file)
	if err != nil {
		return fmt.Errorf("go on with the inventory: %w", err)
	}
	to := bufio.NewWriterSize(file, 256<<10)
	lines := json.NewEncoder(to)
	lines.SetEscapeHTML(false)
	err = inventory.Scan(ctx, l.volume.FS, inventory.Options{Hash: true, After: after, Progress: func(p inventory.Progress) {
		activities.Report(ctx, activities.Progress{Done: kept + p.Entries, Unit: "entries", Message: "list and hash the files"})
	}}, func(e inventory.Entry) error { return lines.Encode(listedOf(e)) })
	return errors.Join(err, to.Flush())
}

// lastWhole cuts off what a killed attempt did not write whole, and gives the cursor of the last entry before, and how many
// there are.
func lastWhole(file *os.File) (after string, kept int64, err error) {
	size, r := int64(0), bufio.NewReaderSize(file, 256<<10)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", 0, err
		}
		var e listedEntry
		if err != nil || json.Unmarshal(line, &e) != nil {
			break
		}
		size, after, kept = size+int64(len(line)), e.Cursor, kept+1
	}
	_, err = file.Seek(size, io.SeekStart)
	return after, kept, errors.Join(file.Truncate(size), err)
}

// entries reads the inventory out of the evidence.
func (l *looker) entries(ctx context.Context, do func(inventory.Entry) error) error {
	local, err := l.c.Path(l.listed.Path)
	if err != nil {
		return err
	}
	file, err := os.Open(local)
	if err != nil {
		return fmt.Errorf("read the inventory: %w", err)
	}
	defer file.Close()
	for d := json.NewDecoder(bufio.NewReaderSize(untilDone{ctx, file}, 256<<10)); ; {
		var e listedEntry
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the inventory: %w", err)
		}
		if err := do(e.whole()); err != nil {
			return err
		}
	}
}
