package custody_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/custody"
)

func newCase(t *testing.T) *custody.Case {
	t.Helper()
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	store, err := custody.Open(t.TempDir(), func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	c, err := store.Case("pod-compromise-0a1b2c3d.4e5f6a7b")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func put(t *testing.T, c *custody.Case, by custody.By, name, text string) custody.Item {
	t.Helper()
	item, err := c.Put(context.Background(), by, name, "log", func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return item
}

func TestPutIsWrittenOnce(t *testing.T) {
	c := newCase(t)
	by := custody.By{Step: "logs", Key: "case/logs"}
	first := put(t, c, by, "data/logs/web.log", "one")
	second, err := c.Put(context.Background(), by, "data/logs/web.log", "log", func(io.Writer) error {
		t.Error("a second attempt wrote again")
		return nil
	})
	if err != nil || second != first {
		t.Fatalf("second attempt gave %+v, %v; the first gave %+v", second, err, first)
	}
	_, err = c.Put(context.Background(), custody.By{Step: "other", Key: "k"}, "data/logs/web.log", "log", func(io.Writer) error { return nil })
	if !errors.Is(err, custody.ErrWritten) {
		t.Fatalf("another call took the name: %v", err)
	}
}

func TestFailedPutLeavesNothing(t *testing.T) {
	c := newCase(t)
	broken := errors.New("stream ended early")
	_, err := c.Put(context.Background(), custody.By{Step: "logs", Key: "k"}, "data/web.log", "log", func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(c.Dir(), "data", "web.log")); err == nil {
		t.Fatal("half a file became evidence")
	}
}

func TestNamesStayInsideTheCase(t *testing.T) {
	c := newCase(t)
	for _, name := range []string{"", ".", "..", "../x", "/etc/passwd", "a/../../b", "alert.json", "data/50%", "data/a\\b", "data/case.jsonld", "a\\b", "a\nb", ".hidden", custody.LogName, custody.ManifestName, strings.Repeat("a", 201)} {
		if _, err := c.Put(context.Background(), custody.By{Key: "k"}, name, "log", func(io.Writer) error { return nil }); err == nil {
			t.Errorf("name %q was accepted", name)
		}
	}
}

func TestCaseIDsArePlainNames(t *testing.T) {
	store, err := custody.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "..", "a/b", "a b", "-a", "a.", strings.Repeat("a", 64)} {
		if _, err := store.Case(id); err == nil {
			t.Errorf("case id %q was accepted", id)
		}
	}
}

func TestSealVerifiesWithSha256sum(t *testing.T) {
	c := newCase(t)
	put(t, c, custody.By{Step: "b", Key: "b"}, "data/b.log", "bee")
	put(t, c, custody.By{Step: "a", Key: "a"}, "data/a.log", "ay")
	seal, err := c.Seal(context.Background(), custody.By{Step: "seal", Key: "seal"}, custody.Sealing{})
	if err != nil || seal.Files != 2 || seal.Bytes != 5 {
		t.Fatalf("seal %+v, %v", seal, err)
	}
	check := exec.Command("sha256sum", "--strict", "-c", custody.ManifestName)
	check.Dir = c.Dir()
	if out, err := check.CombinedOutput(); err != nil {
		t.Fatalf("sha256sum -c: %v\n%s", err, out)
	}
	again, err := c.Seal(context.Background(), custody.By{Step: "seal", Key: "seal"}, custody.Sealing{})
	if diff := cmp.Diff(seal, again); err != nil || diff != "" {
		t.Fatalf("a second seal gave %+v, %v; the first gave %+v", again, err, seal)
	}
	if err := c.Note(custody.By{Step: "undo", Key: "undo"}, "isolation undone"); err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(context.Background()); err != nil {
		t.Fatalf("a note after the seal broke it: %v", err)
	}
}

func TestVerifyNamesWhatWasTouched(t *testing.T) {
	tests := map[string]struct{ file, from, to, want string }{
		"evidence": {"data/a.log", "ay", "xy", `"data/a.log": SHA-256 is`},
		"log":      {custody.LogName, `"step":"a"`, `"step":"z"`, `"custody.jsonl", line 1, bytes 0 to`},
		"manifest": {custody.ManifestName, "a.log", "z.log", `"manifest-sha256.txt", line 1, byte 71: is not the one that was sealed`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCase(t)
			put(t, c, custody.By{Step: "a", Key: "a"}, "data/a.log", "ay")
			if _, err := c.Seal(context.Background(), custody.By{Step: "seal", Key: "s"}, custody.Sealing{}); err != nil {
				t.Fatal(err)
			}
			if err := c.Verify(context.Background()); err != nil {
				t.Fatal(err)
			}
			touch(t, filepath.Join(c.Dir(), filepath.FromSlash(test.file)), test.from, test.to)
			if err := c.Verify(context.Background()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
		})
	}
}

func touch(t *testing.T, name, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(raw), from, to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTornLastLineIsDropped(t *testing.T) {
	c := newCase(t)
	put(t, c, custody.By{Step: "a", Key: "a"}, "data/a.log", "ay")
	f, err := os.OpenFile(filepath.Join(c.Dir(), custody.LogName), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"seq":2,"ti`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, c, custody.By{Step: "b", Key: "b"}, "data/b.log", "bee")
	if _, err := c.Seal(context.Background(), custody.By{Step: "seal", Key: "s"}, custody.Sealing{}); err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentPutsKeepOneChain(t *testing.T) {
	c := newCase(t)
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			by := custody.By{Step: "s", Key: fmt.Sprint(i)}
			_, err := c.Put(context.Background(), by, fmt.Sprintf("data/%d.log", i), "log", func(w io.Writer) error {
				_, err := fmt.Fprint(w, i)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if _, err := c.Seal(context.Background(), custody.By{Step: "seal", Key: "s"}, custody.Sealing{}); err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestAdoptTakesAFileFromScratch(t *testing.T) {
	c := newCase(t)
	by := custody.By{Step: "image", Key: "image"}
	dir, err := c.Scratch(by)
	if err != nil {
		t.Fatal(err)
	}
	from := filepath.Join(dir, "image.raw")
	if err := os.WriteFile(from, []byte("disk"), 0o600); err != nil {
		t.Fatal(err)
	}
	item, err := c.Adopt(context.Background(), by, "data/snap-1/image.raw", "image", from)
	if err != nil || item.Size != 4 {
		t.Fatalf("%+v, %v", item, err)
	}
	again, err := c.Adopt(context.Background(), by, "data/snap-1/image.raw", "image", from)
	if err != nil || again != item {
		t.Fatalf("a second attempt gave %+v, %v", again, err)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte(`{"seq":1}` + "\n"))
	f.Fuzz(func(t *testing.T, log []byte) {
		c := newCase(t)
		if err := os.WriteFile(filepath.Join(c.Dir(), custody.LogName), log, 0o600); err != nil {
			t.Fatal(err)
		}
		if c.Verify(context.Background()) == nil {
			t.Fatal("a log that nobody sealed verified")
		}
	})
}
