package custody

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	errs := []error{checkChain(entries), c.checkSeal(entries)}
	for _, item := range added(entries) {
		errs = append(errs, c.checkItem(ctx, item))
	}
	return errors.Join(errs...)
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
