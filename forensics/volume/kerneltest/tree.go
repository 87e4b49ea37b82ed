package kerneltest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Read gives every entry of a tree by its path. Damage fails the test, unless it is expected.
func Read(t testing.TB, tree volume.Tree, damaged bool) map[string]Entry {
	t.Helper()
	out := map[string]Entry{}
	err := tree.Walk(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && damaged:
			t.Logf("damage: %q: %v", path, err)
		case err != nil:
			t.Errorf("walk %q: %v", path, err)
		case d != nil:
			out[path] = entryOf(tree, path, d)
		}
		return nil
	})
	if err != nil {
		t.Errorf("walk: %v", err)
	}
	return out
}

func entryOf(tree volume.Tree, path string, d fs.DirEntry) Entry {
	info, err := d.Info()
	if err != nil {
		return Entry{Unread: err.Error()}
	}
	var e Entry
	stat, _ := volume.StatOf(info)
	e.Stat = stat
	if kind := stat.Mode & volume.TypeMask; kind != volume.TypeRegular && kind != volume.TypeDir {
		e.Stat.Generation = 0
	}
	attributes, err := tree.Xattrs(info)
	e.Xattrs = asText(attributes)
	switch stat.Mode & volume.TypeMask {
	case volume.TypeLink:
		var linkErr error
		e.Target, linkErr = tree.ReadLink(path)
		err = errors.Join(err, linkErr)
	case volume.TypeRegular:
		var readErr error
		e.SHA256, readErr = hash(tree, info)
		err = errors.Join(err, readErr)
	}
	if err != nil {
		e.Unread = err.Error()
	}
	return e
}

func asText(attributes map[string][]byte) map[string]string {
	out := map[string]string{}
	for name, value := range attributes {
		out[name] = string(value)
	}
	return out
}

func hash(tree volume.Tree, info fs.FileInfo) (string, error) {
	f, err := tree.OpenFound(info)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	return sum(f, info.Size())
}

// sum hashes a file; the size says how much of it is worth reading at once.
func sum(r io.Reader, size int64) (string, error) {
	h := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{r}, make([]byte, min(max(size, 512), 256<<10))); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
