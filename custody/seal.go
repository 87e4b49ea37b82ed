package custody

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Seal is what sealing gives: the manifest, and the head of the log's chain to be kept elsewhere too.
type Seal struct {
	Manifest string `json:"manifest" doc:"Path of the manifest inside the case directory"`
	SHA256   string `json:"sha256" doc:"SHA-256 of the manifest"`
	Files    int    `json:"files" doc:"Files in the manifest"`
	Bytes    int64  `json:"bytes" doc:"Bytes of those files"`
	Head     string `json:"head" doc:"Hash of the custody log's last entry"`
}

// Seal writes the manifest of all evidence in the log, in the order of their names, and an entry that names the
// manifest's own hash. What killed calls left whole becomes evidence first. The log is not in the manifest: it goes on after the seal and its chain protects it.
func (c *Case) Seal(ctx context.Context, by By) (Seal, error) {
	unlock, err := c.lock()
	if err != nil {
		return Seal{}, err
	}
	defer unlock()
	left, err := c.leftAll("")
	if err := errors.Join(err, c.finishAll(ctx, left)); err != nil {
		return Seal{}, err
	}
	entries, err := c.Log()
	if err != nil {
		return Seal{}, err
	}
	items := added(entries)
	seal := Seal{Manifest: ManifestName, Files: len(items)}
	var manifest bytes.Buffer
	for _, item := range items {
		if err := ctx.Err(); err != nil {
			return Seal{}, err
		}
		fmt.Fprintf(&manifest, "%s  %s\n", item.SHA256, item.Path)
		seal.Bytes += item.Size
	}
	sum := sha256.Sum256(manifest.Bytes())
	seal.SHA256 = hex.EncodeToString(sum[:])
	return c.writeSeal(by, seal, entries, manifest.Bytes())
}

func (c *Case) writeSeal(by By, seal Seal, entries []Entry, manifest []byte) (Seal, error) {
	if err := replaceFile(filepath.Join(c.dir, ManifestName), manifest); err != nil {
		return Seal{}, fmt.Errorf("manifest: %w", err)
	}
	if err := os.RemoveAll(filepath.Join(c.dir, scratchName)); err != nil {
		return Seal{}, fmt.Errorf("remove scratch: %w", err)
	}
	if n := len(entries); n > 0 && entries[n-1].Action == Sealed && entries[n-1].Text == seal.SHA256 {
		seal.Head = entries[n-1].Hash
		return seal, nil
	}
	if err := c.append(Entry{By: by, Action: Sealed, Text: seal.SHA256}); err != nil {
		return Seal{}, err
	}
	entries, err := c.Log()
	if err != nil {
		return Seal{}, err
	}
	seal.Head = entries[len(entries)-1].Hash
	return seal, nil
}

func added(entries []Entry) []Item {
	var items []Item
	for _, e := range entries {
		if e.Action == Added {
			items = append(items, e.Item)
		}
	}
	slices.SortFunc(items, func(a, b Item) int { return strings.Compare(a.Path, b.Path) })
	return items
}

func replaceFile(name string, content []byte) error {
	temp := name + ".new"
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(temp, name); err != nil {
		return err
	}
	return local{}.sync(filepath.Dir(name))
}
