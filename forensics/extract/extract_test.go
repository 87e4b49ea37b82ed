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

// described is a disk whose paths cannot be opened.
type described struct{ disk }

func (d described) Open(name string) (fs.File, error) {
	if name == "d" || name == "d/sub" {
		return d.disk.Open(name)
	}
	return nil, fs.ErrNotExist
}

func (d described) Walk(root string, do fs.WalkDirFunc) error { return fs.WalkDir(d.MapFS, root, do) }

func (d described) OpenFound(info fs.FileInfo) (fs.File, error) {
	return fstest.MapFS{"it": {Data: []byte(info.Name())}}.Open("it")
}

// TestOpensWhatWasDescribed looks no path up a second time.
func TestOpensWhatWasDescribed(t *testing.T) {
	target := t.TempDir()
	got, err := extract.Tree(context.Background(), described{hostile()}, "d", target, extract.Options{})
	if err != nil || got.Files != 4 {
		t.Errorf("%+v, %v", got, err)
	}
	if b, _ := os.ReadFile(filepath.Join(target, "run")); string(b) != "run" {
		t.Errorf("%q", b)
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

// TestDepth leaves directories out that lie deeper than any tool's.
func TestDepth(t *testing.T) {
	deep := disk{fstest.MapFS{"d/" + strings.Repeat("x/", 100) + "file": {Data: []byte("deep")}}}
	got, err := extract.Tree(context.Background(), deep, "d", t.TempDir(), extract.Options{})
	if err != nil || got.Files != 0 || got.Dirs != 64 || got.LeftCount != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// listed is a disk whose directory may list a name any number of times and in any bytes, as no kernel would.
type listed struct {
	fstest.MapFS

	names []string
}

func (l listed) Walk(_ string, do fs.WalkDirFunc) error {
	for i, name := range l.names {
		kind := []string{"file", "dir", "link", "pipe"}[i%4]
		info, err := l.Lstat(kind)
		if err != nil {
			return err
		}
		if err := do("d/"+name, fs.FileInfoToDirEntry(info), nil); err != nil && !errors.Is(err, fs.SkipDir) {
			return err
		}
	}
	return nil
}

func (l listed) Open(string) (fs.File, error) { return l.MapFS.Open("file") }

func (l listed) ReadLink(string) (string, error) { return "/etc/shadow", nil }

// FuzzTree copies names of any bytes, files over directories and the other way around: nothing appears outside the
// target, and what appears is a file or a directory.
func FuzzTree(f *testing.F) {
	f.Add("a\n..\n../b\n/etc/passwd\na/../../b\n.\n\na")
	f.Add("\x00\n\x1b[2J\n\u202e\n%2E%2E\n" + strings.Repeat("y", 300))
	f.Fuzz(func(t *testing.T, names string) {
		l := listed{fstest.MapFS{
			"file": {Data: []byte("x")}, "dir": {Mode: fs.ModeDir}, "link": {Mode: fs.ModeSymlink}, "pipe": {Mode: fs.ModeNamedPipe},
		}, strings.Split(names, "\n")}
		outer := t.TempDir()
		target := filepath.Join(outer, "target")
		if err := os.Mkdir(target, 0o700); err != nil {
			t.Fatal(err)
		}
		_, _ = extract.Tree(context.Background(), l, "d", target, extract.Options{})
		entries, err := os.ReadDir(outer)
		if err != nil || len(entries) != 1 {
			t.Errorf("%q made %v beside the target, %v", names, entries, err)
		}
		err = filepath.WalkDir(target, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !d.Type().IsRegular() {
				t.Errorf("%q made %q, a %s", names, p, d.Type())
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
