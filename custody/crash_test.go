package custody

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/custody/bagit"
)

// dying is a disk under a process that is killed at its n-th step: before it, in the middle of it or right after it.
type dying struct {
	lazy
	n    int
	how  string // before, half or after
	dead bool
}

// lazy is a disk that does not wait until all is on it: what a test looks at is there without that.
type lazy struct{ local }

func (lazy) appendTo(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

func (lazy) sync(name string) error {
	_, err := os.Stat(name)
	return err
}

var errKilled = errors.New("killed by the test")

func (d *dying) step(do func() error, half func() error) error {
	if d.dead {
		return errKilled
	}
	if d.n--; d.n > 0 {
		return do()
	}
	d.dead = true
	switch d.how {
	case "after":
		return errors.Join(do(), errKilled)
	case "half":
		return errors.Join(half(), errKilled)
	}
	return errKilled
}

func nothing() error { return nil }

func (d *dying) write(name string, content []byte) error {
	return d.step(func() error { return d.lazy.write(name, content) }, func() error { return d.lazy.write(name, content[:len(content)/2]) })
}

func (d *dying) appendTo(name string, content []byte) error {
	return d.step(func() error { return d.lazy.appendTo(name, content) },
		func() error { return d.lazy.appendTo(name, content[:len(content)/2]) })
}

func (d *dying) sync(name string) error {
	return d.step(func() error { return d.lazy.sync(name) }, nothing)
}

func (d *dying) rename(from, to string) error {
	return d.step(func() error { return d.lazy.rename(from, to) }, nothing)
}

func (d *dying) remove(name string) error {
	return d.step(func() error { return d.lazy.remove(name) }, nothing)
}

const captured = "data/logs/web.log"

var capturer = By{Step: "logs", Key: "case/logs"}

func crashCase(t *testing.T) *Case {
	t.Helper()
	store, err := Open(t.TempDir(), func() time.Time { return time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	c, err := store.Case("case.1")
	if err != nil {
		t.Fatal(err)
	}
	c.disk = lazy{}
	return c
}

// putOnce captures from a pod that is gone once it was read.
func putOnce(reads *int) func(*Case) (Item, error) {
	return func(c *Case) (Item, error) {
		return c.Put(context.Background(), capturer, captured, "log", func(w io.Writer) error {
			*reads++
			_, err := io.WriteString(w, "the only copy")
			return err
		})
	}
}

// adoptOnce makes the file in the scratch directory, as a capture that resumes does, when it is not there yet.
func adoptOnce(reads *int) func(*Case) (Item, error) {
	return func(c *Case) (Item, error) {
		dir, err := c.Scratch(capturer)
		if err != nil {
			return Item{}, err
		}
		from := filepath.Join(dir, "image.raw")
		kept, err := c.Kept(context.Background(), capturer)
		if err != nil || len(kept) > 0 {
			return append(kept, Item{})[0], err
		}
		if _, err := os.Stat(from); err != nil {
			*reads++
			if err := os.WriteFile(from, []byte("the only copy"), 0o600); err != nil {
				return Item{}, err
			}
		}
		return c.Adopt(context.Background(), capturer, captured, "log", from)
	}
}

// TestEveryKillPoint kills a call at the first thing it does to the disk, the second and so on. From the moment at which
// the file was called whole, a retry finds it, the seal covers it without a retry, and no file stands beside the log.
func TestEveryKillPoint(t *testing.T) {
	for what, capture := range map[string]func(*int) func(*Case) (Item, error){"put": putOnce, "adopt": adoptOnce} {
		for _, how := range []string{"before", "half", "after"} {
			for _, then := range []string{"retry", "path", "kept", "seal alone"} {
				t.Run(what+" killed "+how+", then "+then, func(t *testing.T) {
					t.Parallel()
					for n, died := 1, true; died; n++ {
						t.Run(fmt.Sprint("step ", n), func(t *testing.T) { died = killed(t, capture, &dying{n: n, how: how}, then) })
					}
				})
			}
		}
	}
}

// killed lets one call die and looks at what comes after; false when the call was through before.
func killed(t *testing.T, capture func(*int) func(*Case) (Item, error), d *dying, then string) bool {
	t.Helper()
	first := d.n == 1
	c, reads := crashCase(t), 0
	add := capture(&reads)
	c.disk = d
	if _, err := add(c); d.dead != (err != nil) {
		t.Fatalf("killed: %v, and the call gave %v", d.dead, err)
	}
	c.disk = lazy{}
	whole := !first || d.how == "after"
	thenDo(t, c, then, add, whole)
	if whole && reads > 1 {
		t.Errorf("captured %d times", reads)
	}
	wantComplete(t, c, whole || then == "retry")
	return d.dead
}

func thenDo(t *testing.T, c *Case, then string, add func(*Case) (Item, error), whole bool) {
	t.Helper()
	switch then {
	case "retry":
		if item, err := add(c); err != nil || item.Path != captured || item.Size != 13 {
			t.Fatalf("the retry gave %+v, %v", item, err)
		}
	case "path":
		entries, err := c.Log()
		if err != nil || len(entries) == 0 {
			return // not in the log: nobody asks for its path
		}
		name, err := c.Path(captured)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := os.ReadFile(name); err != nil || string(raw) != "the only copy" {
			t.Fatalf("%q, %v", raw, err)
		}
	case "kept":
		if items, err := c.Kept(t.Context(), capturer); err != nil || (len(items) == 1) != whole {
			t.Fatalf("kept %+v, %v", items, err)
		}
	}
}

// wantComplete seals and compares the log, the manifest and what lies in the directory.
func wantComplete(t *testing.T, c *Case, there bool) {
	t.Helper()
	seal, err := c.Seal(t.Context(), By{Step: "seal", Key: "seal"}, Sealing{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if (seal.Files == 1) != there {
		t.Errorf("the manifest has %d files", seal.Files)
	}
	if files := filesIn(t, c.dir); slices.Contains(files, captured) != there || len(files) != seal.Files {
		t.Errorf("in the directory lie %q; the manifest has %d files", files, seal.Files)
	}
}

// filesIn lists all files of a case but custody's own.
func filesIn(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		own := append([]string{LogName, lockName, CaseName, bagit.TagManifestName}, tagFiles()...)
		if err == nil && !d.IsDir() && !slices.Contains(own, name) {
			out = append(out, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A power cut may take the bytes of a file that was called whole: then it is no evidence, and is captured again.
func TestAFileThatLostItsBytesIsCapturedAgain(t *testing.T) {
	c, reads := crashCase(t), 0
	add := putOnce(&reads)
	c.disk = &dying{n: 1, how: "after"}
	if _, err := add(c); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	c.disk = lazy{}
	parts, err := filepath.Glob(filepath.Join(c.dir, scratchName, "*", "*"+tempSuffix))
	if err != nil || len(parts) != 1 {
		t.Fatal(parts, err)
	}
	if err := os.Truncate(parts[0], 4); err != nil {
		t.Fatal(err)
	}
	if _, err := add(c); err != nil || reads != 2 {
		t.Fatalf("read %d times, %v", reads, err)
	}
	wantComplete(t, c, true)
}

// An attempt that was taken for dead may still write while the next one does.
func TestTwoAttemptsAtOnceKeepTheHashRight(t *testing.T) {
	c := crashCase(t)
	_, err := c.Put(t.Context(), capturer, captured, "log", func(w io.Writer) error {
		_, err := io.WriteString(w, "the first attempt, ")
		if err != nil {
			return err
		}
		if _, err := c.Put(t.Context(), capturer, captured, "log", func(w io.Writer) error {
			_, err := io.WriteString(w, "the second")
			return err
		}); err != nil {
			return err
		}
		_, err = io.WriteString(w, "which was not dead")
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	wantComplete(t, c, true)
}

// Evidence on a file system that cannot sync, or may not be written to, is verified all the same. /dev/null is one.
func TestDigestOnlyReads(t *testing.T) {
	if item, err := digest(t.Context(), os.DevNull); err != nil || item.Size != 0 {
		t.Errorf("%+v, %v", item, err)
	}
}

// A field that Entry does not know is not in the hash; neither is a second one of the same name.
func TestVerifyRefusesWhatTheHashDoesNotCover(t *testing.T) {
	for name, change := range map[string][2]string{
		"unknown field": {`{"seq":1,`, `{"seq":1,"approvedBy":"nobody",`},
		"second field":  {`{"seq":1,`, `{"seq":1,"case":"another",`},
		"other case":    {`{"seq":1,`, `{"seq":1,"SEQ":1,`},
		"in the item":   {`"item":{`, `"item":{"note":"x",`},
		"spaces":        {`{"seq":1,`, `{"seq":1, `},
	} {
		t.Run(name, func(t *testing.T) {
			c, reads := crashCase(t), 0
			if _, err := putOnce(&reads)(c); err != nil {
				t.Fatal(err)
			}
			wantComplete(t, c, true)
			log := filepath.Join(c.dir, LogName)
			raw, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(log, []byte(strings.Replace(string(raw), change[0], change[1], 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := c.Verify(t.Context()); err == nil || !strings.HasPrefix(err.Error(), `"custody.jsonl", line 1, byte`) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What an attacker names things must not break the chain.
func TestTextThatIsNotUTF8KeepsTheChain(t *testing.T) {
	c, reads := crashCase(t), 0
	if _, err := putOnce(&reads)(c); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Note(capturer, "file \xff\xfe"); err != nil {
			t.Fatal(err)
		}
	}
	wantComplete(t, c, true)
	if entries, err := c.Log(); err != nil || len(entries) != 3 {
		t.Errorf("%d entries, %v: want file, one note and seal", len(entries), err)
	}
}
