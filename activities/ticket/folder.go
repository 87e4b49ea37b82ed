package ticket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Folder is the built-in tracker: one Markdown file a ticket, in one directory.
type Folder struct {
	dir string
	now func() time.Time
}

// NewFolder gives the tracker that writes to dir, which is made with the first ticket. now dates the tickets.
func NewFolder(dir string, now func() time.Time) *Folder { return &Folder{dir: dir, now: now} }

// Open writes the ticket's file, unless a file of the same key stands there already. The name comes from the key
// alone: no text of the ticket becomes a path.
func (f *Folder) Open(_ context.Context, t Ticket) (Reference, error) {
	sum := sha256.Sum256([]byte(t.Key))
	id := "FB-" + hex.EncodeToString(sum[:5])
	name, err := filepath.Abs(filepath.Join(f.dir, id+".md"))
	if err != nil {
		return Reference{}, err
	}
	ref := Reference{ID: id, URL: "file://" + filepath.ToSlash(name)}
	if err := os.MkdirAll(f.dir, 0o750); err != nil {
		return Reference{}, fmt.Errorf("tracker folder: %w", err)
	}
	err = writeNew(name, render(t, id, f.now()))
	if errors.Is(err, fs.ErrExist) {
		ref.Existed = true
		return ref, nil
	}
	return ref, err
}

// writeNew gives the file its name by a hard link, which fails where the name is taken: two workers cannot both win,
// and a killed one leaves no half ticket.
func writeNew(name string, content []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(name), ".ticket-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(content)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Link(temp.Name(), name)
}

func render(t Ticket, id string, at time.Time) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "---\nid: %s\ncase: %s\nkey: %s\nseverity: %s\nstatus: open\nopened: %s\nlabels: %s\n---\n\n",
		id, quoted(t.Case), quoted(t.Key), t.Severity, at.UTC().Format(time.RFC3339), quoted(t.Labels))
	fmt.Fprintf(&b, "# %s\n", escape(t.Title))
	if body := strings.TrimSpace(t.Body); body != "" {
		b.WriteString("\n")
		for line := range strings.Lines(body) {
			b.WriteString(escapeLine(strings.TrimRight(line, "\r\n")) + "\n")
		}
	}
	if len(t.Items) > 0 {
		b.WriteString("\n")
	}
	for _, item := range t.Items {
		b.WriteString("- [ ] " + escape(strings.Join(strings.Fields(item), " ")) + "\n")
	}
	return b.Bytes()
}

// quoted writes a value as JSON, which every YAML reader takes as data.
func quoted(v any) string {
	raw, err := json.Marshal(v)
	if err != nil { // strings and lists of strings never fail
		return `""`
	}
	return string(raw)
}
