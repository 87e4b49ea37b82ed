package extract_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/firebreak-ir/firebreak/forensics/extract"
)

// disk is an image in memory; names of any bytes are possible in it, which ext4's own tests show for real images.
type disk struct{ fstest.MapFS }

func (d disk) Walk(root string, do fs.WalkDirFunc) error { return fs.WalkDir(d.MapFS, root, do) }

func hostile() disk {
	return disk{fstest.MapFS{
		"d/file":                            {Data: []byte("content")},
		"d/sub/new\nline":                   {Data: []byte("odd")},
		"d/sub/" + strings.Repeat("x", 255): {Data: []byte("long")},
		"d/shadow":                          {Data: []byte("/etc/shadow"), Mode: fs.ModeSymlink},
		"d/pipe":                            {Mode: fs.ModeNamedPipe},
		"d/null":                            {Mode: fs.ModeDevice | fs.ModeCharDevice},
		"d/run":                             {Data: []byte("#!/bin/sh"), Mode: 0o4755},
		"other/file":                        {Data: []byte("not asked for")},
	}}
}

func TestTree(t *testing.T) {
	target := t.TempDir()
	got, err := extract.Tree(context.Background(), hostile(), "d", target, extract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Files != 4 || got.Dirs != 1 || got.LeftCount != 3 {
		t.Errorf("%+v", got)
	}
	var names []string
	err = filepath.WalkDir(target, func(p string, d fs.DirEntry, err error) error {
		if info, _ := d.Info(); !d.IsDir() && info.Mode() != 0o600 {
			t.Errorf("%q has mode %s", p, info.Mode())
		}
		names = append(names, strings.TrimPrefix(p, target))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(names, " ")
	for _, want := range []string{"/file", "/run", "/sub/new%0Aline"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is not in %s", want, all)
		}
	}
	for _, l := range got.Left {
		if l.Path == "d/shadow" && !strings.Contains(l.Why, "/etc/shadow") {
			t.Errorf("the link's target is not said: %q", l.Why)
		}
	}
}

// TestNothingIsOverwritten puts a link where a file would be made.
func TestNothingIsOverwritten(t *testing.T) {
	target, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(target, "file")); err != nil {
		t.Fatal(err)
	}
	got, err := extract.Tree(context.Background(), hostile(), "d", target, extract.Options{})
	if err != nil || got.LeftCount != 4 {
		t.Errorf("%+v, %v", got, err)
	}
	if b, _ := os.ReadFile(outside); string(b) != "mine" {
		t.Errorf("a file outside was changed to %q", b)
	}
}

func TestLimits(t *testing.T) {
	for name, opts := range map[string]extract.Options{"files": {MaxFiles: 2}, "bytes": {MaxBytes: 8}} {
		if _, err := extract.Tree(context.Background(), hostile(), "d", t.TempDir(), opts); !errors.Is(err, extract.ErrTooMuch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	got, err := extract.Tree(context.Background(), hostile(), "d", t.TempDir(), extract.Options{MaxFileBytes: 6})
	if err != nil || got.Files != 2 {
		t.Errorf("one file: %+v, %v", got, err)
	}
	keep := func(rel string, dir bool) bool { return rel == "file" }
	got, err = extract.Tree(context.Background(), hostile(), "d", t.TempDir(), extract.Options{Keep: keep})
	if err != nil || got.Files != 1 || got.Dirs != 0 {
		t.Errorf("keep: %+v, %v", got, err)
	}
}

func TestName(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"", ".", "..", "...", "a", "A", "a/b", "a%2Fb", "a\\b", "\xff", "é", strings.Repeat("y", 300), strings.Repeat("y", 301), "-rf"} {
		got := extract.Name(name)
		if was, again := seen[got]; again {
			t.Errorf("%q and %q both become %q", name, was, got)
		}
		seen[got] = name
		if got == "" || got == "." || got == ".." || len(got) > 255 || strings.ContainsAny(got, "/\\\x00\n") {
			t.Errorf("%q becomes %q", name, got)
		}
	}
}
