package custody

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/firebreak-ir/firebreak/custody/attest"
)

// Action is what a log entry says was done.
type Action string

// The log's actions.
const (
	Added  Action = "added"  // a file became evidence
	Noted  Action = "noted"  // something worth keeping, without a file
	Sealed Action = "sealed" // the manifests were written: Text is the manifest's hash, Item the tag manifest
)

// Run is a run of the case's workflow and how long its history was when it was exported: it ties the file to what
// Temporal keeps.
type Run = attest.Run

// Entry is one line of the custody log. Hash covers the whole line but itself, Prev included, so that no line can be
// changed, removed or put in without breaking every hash after it.
type Entry struct {
	Seq    int       `json:"seq"`
	Time   time.Time `json:"time"`
	Case   string    `json:"case"`
	By     By        `json:"by"`
	Action Action    `json:"action"`
	Item   Item      `json:"item,omitzero"`
	Text   string    `json:"text,omitempty"`
	Run    Run       `json:"run,omitzero"`
	Prev   string    `json:"prev"`
	Hash   string    `json:"hash"`
}

// Note writes a log entry without a file. The same text by the same call is written once.
func (c *Case) Note(by By, text string) error { return c.NoteRun(by, text, Run{}) }

// NoteRun is Note, about a run of the workflow.
func (c *Case) NoteRun(by By, text string, run Run) error {
	text = strings.ToValidUTF8(text, "\ufffd") // as the log will give it back
	unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	entries, err := c.Log()
	if err != nil {
		return err
	}
	if noted(entries, by, text) {
		return nil
	}
	return c.append(Entry{By: by, Action: Noted, Text: text, Run: run})
}

func noted(entries []Entry, by By, text string) bool {
	return slices.ContainsFunc(entries, func(e Entry) bool { return e.Action == Noted && e.By == by && e.Text == text })
}

// Log reads the custody log. A last line that a crash cut short was never acknowledged and is left out; any other line
// that does not read is an error.
func (c *Case) Log() ([]Entry, error) {
	raw, err := os.ReadFile(filepath.Join(c.dir, LogName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("custody log: %w", err)
	}
	return parseLog(raw)
}

func parseLog(raw []byte) ([]Entry, error) {
	var entries []Entry
	for n := 1; ; n++ {
		line, rest, whole := bytes.Cut(raw, []byte("\n"))
		if !whole {
			return entries, nil
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("custody log, line %d: %w", n, err)
		}
		entries, raw = append(entries, e), rest
	}
}

// append writes one entry after the last whole line. The caller holds the lock.
func (c *Case) append(e Entry) error {
	name := filepath.Join(c.dir, LogName)
	entries, err := c.Log()
	if err != nil {
		return err
	}
	e.Seq, e.Case = len(entries)+1, c.id
	if e.Time.IsZero() {
		e.Time = c.now().UTC()
	}
	if len(entries) > 0 {
		e.Prev = entries[len(entries)-1].Hash
	}
	e, line, err := e.line()
	if err != nil {
		return fmt.Errorf("custody log: %w", err)
	}
	if err := cutTornLine(name); err != nil {
		return fmt.Errorf("custody log: %w", err)
	}
	if err := c.disk.appendTo(name, append(line, '\n')); err != nil {
		return fmt.Errorf("custody log: %w", err)
	}
	if e.Seq > 1 {
		return nil
	}
	return c.disk.sync(c.dir) // the log's own name is new
}

// line gives the entry with its hash, and how the log writes it. Text that is no UTF-8 is mended first: a reader would
// else see another text than the one that was hashed.
func (e Entry) line() (Entry, []byte, error) {
	raw, err := json.Marshal(e)
	if err != nil {
		return e, nil, err
	}
	var mended Entry
	if err := json.Unmarshal(raw, &mended); err != nil {
		return e, nil, err
	}
	mended.Hash = mended.digest()
	line, err := json.Marshal(mended)
	return mended, line, err
}

// digest is the SHA-256 of the entry's JSON with an empty hash.
func (e Entry) digest() string {
	e.Hash = ""
	raw, err := json.Marshal(e)
	if err != nil { // an Entry holds nothing that JSON refuses
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

func cutTornLine(name string) error {
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if end := bytes.LastIndexByte(raw, '\n') + 1; end < len(raw) {
		return os.Truncate(name, int64(end))
	}
	return nil
}

// lock takes the case's lock, which holds between processes too.
func (c *Case) lock() (func(), error) {
	f, err := os.OpenFile(filepath.Join(c.dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock case %q: %w", c.id, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock case %q: %w", c.id, err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing gives the lock back
}
