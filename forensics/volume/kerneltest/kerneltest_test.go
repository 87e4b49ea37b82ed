package kerneltest_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
)

// TestDifferences shows that each thing that an entry tells is compared.
func TestDifferences(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"file", "other"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	once := kerneltest.Kernel(t, dir) // reading the link changes its time
	same := func() map[string]kerneltest.Entry {
		out := maps.Clone(once)
		for name, e := range out {
			e.Xattrs = maps.Clone(e.Xattrs)
			out[name] = e
		}
		return out
	}
	if n := kerneltest.Same(t, same(), same(), kerneltest.Options{}); n != 4 {
		t.Errorf("%d entries are equal, not 4", n)
	}
	for what, change := range map[string]func(e *kerneltest.Entry){
		"owner":     func(e *kerneltest.Entry) { e.Stat.UID++ },
		"time":      func(e *kerneltest.Entry) { e.Stat.Created = e.Stat.Created.Add(1) },
		"target":    func(e *kerneltest.Entry) { e.Target += "x" },
		"attribute": func(e *kerneltest.Entry) { e.Xattrs["user.empty"] = "" },
		"bytes":     func(e *kerneltest.Entry) { e.SHA256 = strings.ToUpper(e.SHA256) },
		"unread":    func(e *kerneltest.Entry) { e.Unread = "damaged" },
	} {
		got := same()
		e := got["file"]
		change(&e)
		got["file"] = e
		heard := &listener{TB: t}
		if n := kerneltest.Same(heard, same(), got, kerneltest.Options{}); n != 3 || heard.errors != 1 {
			t.Errorf("%s: %d equal, %d reported", what, n, heard.errors)
		}
	}
	got := same()
	delete(got, "file")
	got["hidden"] = got["other"]
	heard := &listener{TB: t}
	if n := kerneltest.Same(heard, same(), got, kerneltest.Options{}); n != 3 || heard.errors != 2 {
		t.Errorf("missing: %d equal, %d reported: %s", n, heard.errors, heard.said)
	}
}

// listener hears what would fail a test.
type listener struct {
	testing.TB
	errors int
	said   string
}

func (l *listener) Helper() {}

func (l *listener) Errorf(format string, args ...any) {
	l.errors++
	l.said += fmt.Sprintf(format, args...)
}
