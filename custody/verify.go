package custody

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Verify checks a case directory with nothing but itself: the log's chain, the seal, and every file against its hash.
// It returns all that is wrong, joined.
func (c *Case) Verify(ctx context.Context) error {
	entries, err := c.Log()
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return fmt.Errorf("case %q: the custody log is missing or empty", c.id)
	}
	errs := []error{c.checkLines(entries), checkChain(entries), c.checkSeal(entries)}
	for _, item := range added(entries) {
		errs = append(errs, c.checkItem(ctx, item))
	}
	return errors.Join(errs...)
}

// checkLines refuses a line that is not letter by letter what its entry is written as: the hash covers the entry, and so
// not a field that Entry does not know, or one that is there twice.
func (c *Case) checkLines(entries []Entry) error {
	raw, err := os.ReadFile(filepath.Join(c.dir, LogName))
	if err != nil {
		return fmt.Errorf("custody log: %w", err)
	}
	for i, e := range entries {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		want, err := json.Marshal(e)
		if err != nil || !bytes.Equal(line, want) {
			return fmt.Errorf("custody log, line %d: holds something that its hash does not cover", i+1)
		}
		raw = rest
	}
	return nil
}

func checkChain(entries []Entry) error {
	prev := ""
	for i, e := range entries {
		switch {
		case e.Seq != i+1:
			return fmt.Errorf("custody log, line %d: sequence number is %d", i+1, e.Seq)
		case e.Prev != prev:
			return fmt.Errorf("custody log, line %d: does not follow the line before it", i+1)
		case e.Hash != e.digest():
			return fmt.Errorf("custody log, line %d: was changed after it was written", i+1)
		}
		prev = e.Hash
	}
	return nil
}

func (c *Case) checkSeal(entries []Entry) error {
	want := ""
	for _, e := range entries {
		if e.Action == Sealed {
			want = e.Text
		}
	}
	if want == "" {
		return fmt.Errorf("case %q was never sealed", c.id)
	}
	raw, err := os.ReadFile(filepath.Join(c.dir, ManifestName))
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != want {
		return fmt.Errorf("manifest %q is not the one that was sealed", ManifestName)
	}
	return nil
}

func (c *Case) checkItem(ctx context.Context, item Item) error {
	name, err := c.Path(item.Path)
	if err != nil {
		return err
	}
	got, err := digest(ctx, name)
	if err != nil {
		return fmt.Errorf("evidence %q: %w", item.Path, err)
	}
	if got.SHA256 != item.SHA256 {
		return fmt.Errorf("evidence %q: SHA-256 is %s, the log says %s", item.Path, got.SHA256, item.SHA256)
	}
	return nil
}
