package custody

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/custody/caseuco"
	"github.com/firebreak-ir/firebreak/custody/rfc3161"
	"github.com/firebreak-ir/firebreak/custody/rfc3161/tsatest"
)

// testKey is the same in every test.
func testKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
}

func publicKey(t testing.TB) ed25519.PublicKey {
	t.Helper()
	public, ok := testKey().Public().(ed25519.PublicKey)
	if !ok {
		t.Fatal("no key")
	}
	return public
}

// disk is an image of three blocks of four bytes at 0, 8 and 12, of which the last never came right.
const diskImage = "abcd\x00\x00\x00\x00efgh\x00\x00\x00\x00\x00\x00\x00\x00"

func diskIndex(t testing.TB) string {
	t.Helper()
	sum := func(text string) string {
		s := sha256.Sum256([]byte(text))
		return base64.StdEncoding.EncodeToString(s[:])
	}
	lines := []any{
		map[string]any{"snapshot": "snap-0123456789abcdef0", "size": 20, "blockSize": 4, "blocks": 3},
		map[string]any{"index": 0, "offset": 0, "length": 4, "checksum": sum("abcd")},
		map[string]any{"index": 2, "offset": 8, "length": 4, "checksum": sum("efgh")},
		map[string]any{"index": 3, "offset": 12, "length": 4, "checksum": sum("ijkl"), "got": sum("xxxx")},
		map[string]any{"neverRead": map[string]any{"offset": 12, "length": 4}},
	}
	var b strings.Builder
	for _, line := range lines {
		raw, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(raw, '\n'))
	}
	return b.String()
}

// evidenceOf fills a case: a log, the image of a disk with its index, and a history that ties it to its workflow.
func evidenceOf(t testing.TB, c *Case) {
	t.Helper()
	for i, f := range [][3]string{
		{"data/logs/shop/web.log", "log", "the only copy\n"},
		{"data/snap-0123456789abcdef0/image.raw", "disk image", diskImage},
		{"data/snap-0123456789abcdef0/blocks.jsonl", "block index", diskIndex(t)},
		{"data/history.json", "history", "{\"events\":[]}\n"},
	} {
		by := By{Step: "step" + fmt.Sprint(i), Key: fmt.Sprint(i)}
		if _, err := c.Put(t.Context(), by, f[0], f[1], func(w io.Writer) error {
			_, err := io.WriteString(w, f[2])
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.NoteRun(By{Step: "step3", Key: "3"}, "workflow w, run r, history of 7 events", Run{Workflow: "w", Run: "r", Events: 7}); err != nil {
		t.Fatal(err)
	}
}

func signing() Sealing {
	return Sealing{
		Organization: "Example Corp", Agent: "firebreak 1.0.0", Key: testKey(),
		Actions: []caseuco.Action{{Step: "step0", Phase: "preserve", Activity: "live.logs", Status: caseuco.Success, Started: time.Unix(1, 0)}},
	}
}

// sealedFully gives a case with all that there is: signed, and stamped by a real TSA.
func sealedFully(t testing.TB) (c *Case, roots *x509.CertPool, tsa *tsatest.Authority) {
	t.Helper()
	tsa = tsatest.Start(t, "ec")
	roots = tsa.Roots(t)
	with := signing()
	with.Stamper = rfc3161.Client{URL: tsa.URL, Roots: roots, HTTP: tsa.HTTP(), Random: tsa.Random(), Limit: time.Minute}
	c = caseIn(t, t.TempDir())
	evidenceOf(t, c)
	seal, err := c.Seal(t.Context(), By{Step: "seal", Key: "seal"}, with)
	if err != nil || seal.SignedBy == "" || seal.Stamped.IsZero() || len(seal.Warnings) > 0 {
		t.Fatalf("%+v, %v", seal, err)
	}
	return c, roots, tsa
}

func caseIn(t testing.TB, dir string) *Case {
	t.Helper()
	store, err := Open(dir, func() time.Time { return time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC) })
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

func verified(t testing.TB, c *Case, options Options) Report {
	t.Helper()
	r, err := Verify(t.Context(), c.dir, options)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func copyCase(t testing.TB, from *Case) *Case {
	t.Helper()
	to := caseIn(t, t.TempDir())
	if err := os.CopyFS(to.dir, os.DirFS(from.dir)); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	return to
}

func placeOf(c *Case, name string) string { return filepath.Join(c.dir, filepath.FromSlash(name)) }
