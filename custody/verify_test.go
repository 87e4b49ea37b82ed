package custody

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/firebreak-ir/firebreak/custody/attest"
)

// signedCase gives a case that is signed and not stamped.
func signedCase(t testing.TB) *Case {
	t.Helper()
	c := caseIn(t, t.TempDir())
	evidenceOf(t, c)
	if _, err := c.Seal(t.Context(), sealer, signing()); err != nil {
		t.Fatal(err)
	}
	return c
}

// wantProblem wants one that begins so.
func wantProblem(t *testing.T, r Report, want string) {
	t.Helper()
	if !slices.ContainsFunc(r.Problems, func(p Problem) bool { return strings.HasPrefix(p.Error(), want) }) {
		t.Errorf("no problem %s among %v", want, r.Problems)
	}
}

func write(t *testing.T, c *Case, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(placeOf(c, name)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(placeOf(c, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNoEvidenceIsTold(t *testing.T) {
	t.Parallel()
	const link, pipe = "data/logs/shop/link", "data/pipe"
	c := signedCase(t)
	write(t, c, "data/planted.log", "x")
	write(t, c, "report.html", "x")
	write(t, c, ".scratch/0123/put-x.part", "x")
	if err := errors.Join(os.Symlink("/etc/shadow", placeOf(c, link)), syscall.Mkfifo(placeOf(c, pipe), 0o600)); err != nil {
		t.Fatal(err)
	}
	r := verified(t, c, Options{})
	for _, want := range []string{
		`"data/planted.log": is not in the custody log, and no manifest knows it`, `"report.html": is not in the custody log`,
		`"` + link + `": is no regular file, but a symbolic link`, `"` + pipe + `": is no regular file, but a pipe`,
	} {
		wantProblem(t, r, want)
	}
	if len(r.Problems) != 4 || !slices.ContainsFunc(r.Notices, func(n string) bool { return strings.HasPrefix(n, "1 files of calls that have not ended") }) {
		t.Errorf("%+v", r)
	}
}

// TestNothingIsFollowedOutOfTheDirectory puts links and pipes where files were: they are told and not opened.
func TestNothingIsFollowedOutOfTheDirectory(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"data/logs/shop/web.log", "manifest-sha256.txt", LogName, StatementName, "tagmanifest-sha256.txt", "data/case.jsonld"} {
		for kind, put := range map[string]func(string) error{
			"a symbolic link": func(at string) error { return os.Symlink("/etc/hostname", at) },
			"a pipe":          func(at string) error { return syscall.Mkfifo(at, 0o600) },
			"a directory":     func(at string) error { return os.Mkdir(at, 0o700) },
		} {
			c := signedCase(t)
			if err := errors.Join(os.Remove(placeOf(c, name)), put(placeOf(c, name))); err != nil {
				t.Fatal(err)
			}
			wantProblem(t, verified(t, c, Options{}), fmt.Sprintf("%q: is no regular file, but %s", name, kind))
		}
	}
	c := signedCase(t)
	if err := errors.Join(os.Rename(placeOf(c, "data/logs"), filepath.Join(t.TempDir(), "logs")), os.Symlink("/var/log", placeOf(c, "data/logs"))); err != nil {
		t.Fatal(err)
	}
	r := verified(t, c, Options{})
	wantProblem(t, r, `"data/logs": is no regular file, but a symbolic link`)
	wantProblem(t, r, `"data/logs/shop/web.log": statat data/logs/shop/web.log: path escapes`)
}

func TestKeysAndTimestampsThatAreWantedMustBeThere(t *testing.T) {
	t.Parallel()
	signed, unsigned := signedCase(t), caseIn(t, t.TempDir())
	evidenceOf(t, unsigned)
	mustSeal(t, unsigned, Sealing{})
	stranger := []ed25519.PublicKey{make([]byte, ed25519.PublicKeySize)}
	wantProblem(t, verified(t, unsigned, Options{Keys: []ed25519.PublicKey{publicKey(t)}}), `"evidence.intoto.jsonl": nobody has signed it`)
	wantProblem(t, verified(t, signed, Options{Keys: stranger}), `"evidence.intoto.jsonl": none of the keys given has signed it; it names key "`+attest.KeyID(publicKey(t)))
	wantProblem(t, verified(t, signed, Options{Roots: x509.NewCertPool()}), `"evidence.tsr": there is no timestamp`)
	if r := verified(t, signed, Options{Keys: append(stranger, publicKey(t))}); r.Err() != nil || len(r.SignedBy) != 1 {
		t.Errorf("%+v", r)
	}
	for c, want := range map[*Case]string{unsigned: "the statement is not signed", signed: "the signature was not checked"} {
		if r := verified(t, c, Options{}); r.Err() != nil || !strings.Contains(strings.Join(r.Notices, "\n"), want) {
			t.Errorf("%+v, want %s", r, want)
		}
	}
	stamped, _, _ := sealedFully(t)
	wantProblem(t, verified(t, stamped, Options{Roots: x509.NewCertPool()}), `"evidence.tsr": the timestamp's certificate: x509`)
	if err := os.Remove(placeOf(stamped, TimestampName)); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, verified(t, stamped, Options{}), `"evidence.tsr": is missing`)
}

// TestAForgedCaseNeedsTheKey lets an intruder who can write to the directory alter a file and make log and seal anew: all is
// right then but the signature.
func TestAForgedCaseNeedsTheKey(t *testing.T) {
	t.Parallel()
	forged := caseIn(t, t.TempDir())
	if _, err := forged.Put(t.Context(), By{Step: "step0", Key: "0"}, "data/logs/shop/web.log", "log", func(w io.Writer) error {
		_, err := w.Write([]byte("nothing happened\n"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	other := signing()
	other.Key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	if _, err := forged.Seal(t.Context(), sealer, other); err != nil {
		t.Fatal(err)
	}
	if r := verified(t, forged, Options{}); r.Err() != nil {
		t.Fatal(r.Err())
	}
	wantProblem(t, verified(t, forged, Options{Keys: []ed25519.PublicKey{publicKey(t)}}), `"evidence.intoto.jsonl": none of the keys given`)
	raw, err := os.ReadFile(placeOf(signedCase(t), StatementName)) // the genuine one, of another log
	if err != nil {
		t.Fatal(err)
	}
	write(t, forged, StatementName, string(raw))
	r := verified(t, forged, Options{Keys: []ed25519.PublicKey{publicKey(t)}})
	wantProblem(t, r, `"evidence.intoto.jsonl": is about a manifest with the SHA-256`)
	wantProblem(t, r, `"evidence.intoto.jsonl": says that "data/logs/shop/web.log" has the sha256`)
}

func TestTheFirstWrongBlockOfAnImageIsNamed(t *testing.T) {
	t.Parallel()
	const image = "data/snap-0123456789abcdef0/image.raw"
	for altered, want := range map[string]string{
		"abcX\x00\x00\x00\x00efgh\x00\x00\x00\x00\x00\x00\x00\x00": `, bytes 0 to 3: SHA-256 is`,
		"abcd\x00\x00\x00\x00eXXX\x00\x00\x00\x00\x00\x00\x00\x00": `, bytes 8 to 11: SHA-256 is`,
		"abcd\x00X\x00\x00eXXX\x00\x00\x00\x00\x00\x00\x00\x00":    `, byte 5: SHA-256 is`,
		"abcd\x00\x00\x00\x00efgh\x00\x00\x00\x00\x00\x00\x00X":    `, byte 19: SHA-256 is`,
		"abcd\x00\x00\x00\x00efghijkl\x00\x00\x00\x00":             `, byte 12: SHA-256 is`,
		"abcd\x00\x00": `, bytes 8 to 11: SHA-256 is`,
		"abcd\x00\x00\x00\x00efgh\x00\x00\x00\x00\x00\x00": `: SHA-256 is`,
	} {
		c := signedCase(t)
		write(t, c, image, altered)
		r := verified(t, c, Options{})
		wantProblem(t, r, `"`+image+`"`+want)
		if len(r.Problems) != 1 {
			t.Errorf("%q: %v", altered, r.Problems)
		}
	}
}

func TestProgressIsToldAndAVerificationCanBeStopped(t *testing.T) {
	t.Parallel()
	c := signedCase(t)
	ctx, cancel := context.WithCancel(t.Context())
	last, bytes := int64(0), verified(t, c, Options{}).Bytes
	if _, err := Verify(ctx, c.dir, Options{Progress: func(file string, done, total int64) {
		if file == "" || done < last || total < done {
			t.Errorf("%q: %d of %d after %d", file, done, total, last)
		}
		last = done
	}}); err != nil || last < bytes {
		t.Errorf("%d, %v", last, err)
	}
	cancel()
	if _, err := Verify(ctx, c.dir, Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestACaseOfAFormerVersionStillVerifies: its evidence lies anywhere, and its seal is a manifest alone.
func TestACaseOfAFormerVersionStillVerifies(t *testing.T) {
	t.Parallel()
	c := former(t)
	r := verified(t, c, Options{})
	if r.Err() != nil || len(r.Notices) != 1 || r.Files != 2 {
		t.Fatalf("%+v", r)
	}
	write(t, c, ManifestName, strings.Replace(string(read(t, c, ManifestName)), "alert", "Alert", 1))
	wantProblem(t, verified(t, c, Options{}), `"manifest-sha256.txt", line 1, byte 66: is not the one that was sealed`)
	c = former(t)
	write(t, c, "alert.json", "{ }")
	wantProblem(t, verified(t, c, Options{}), `"alert.json": SHA-256 is`)
}

// TestACaseThatAFormerVersionBeganIsSealedAsABag: what it put beside the payload becomes tag files.
func TestACaseThatAFormerVersionBeganIsSealedAsABag(t *testing.T) {
	t.Parallel()
	c := begunBefore(t)
	for _, manifest := range []string{"manifest-sha256.txt", "tagmanifest-sha256.txt"} {
		tool(t, c.dir, "sha256sum", "--strict", "--quiet", "-c", manifest)
	}
	if tags := string(read(t, c, "tagmanifest-sha256.txt")); !strings.Contains(tags, "  alert.json\n") || strings.Contains(tags, "data/") {
		t.Error(tags)
	}
	write(t, c, "alert.json", "{ }")
	r := verified(t, c, Options{})
	wantProblem(t, r, `"alert.json": SHA-256 is`)
}

// begunBefore makes a case that a former version sealed, and this one again.
func begunBefore(t *testing.T) *Case {
	t.Helper()
	c := former(t)
	if _, err := c.Put(t.Context(), By{Step: "late", Key: "late"}, "data/late", "log", func(io.Writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	mustSeal(t, c, signing())
	return c
}

func read(t testing.TB, c *Case, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(placeOf(c, name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// former makes a case as the version before this one sealed it.
func former(t *testing.T) *Case {
	t.Helper()
	c := caseIn(t, t.TempDir())
	manifest := ""
	for _, f := range [][2]string{{"alert.json", "{}"}, {"data/snap-1/image.raw", "disk"}} {
		sum := hashed("", []byte(f[1])).SHA256
		write(t, c, f[0], f[1])
		manifest += sum + "  " + f[0] + "\n"
		if err := c.append(Entry{By: sealer, Action: Added, Item: Item{Path: f[0], Kind: "k", SHA256: sum, Size: int64(len(f[1]))}}); err != nil {
			t.Fatal(err)
		}
	}
	write(t, c, ManifestName, manifest)
	if err := c.append(Entry{By: sealer, Action: Sealed, Text: hashed("", []byte(manifest)).SHA256}); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEvidenceAfterTheSealIsTold(t *testing.T) {
	t.Parallel()
	c := signedCase(t)
	if _, err := c.Put(t.Context(), By{Step: "late", Key: "late"}, "data/late", "log", func(io.Writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, verified(t, c, Options{}), `"data/late": was added after the last seal`)
	mustSeal(t, c, signing())
}

func TestAReportReadsAsJSON(t *testing.T) {
	t.Parallel()
	c := signedCase(t)
	write(t, c, "bagit.txt", "BagIt-Version: 0.1\n")
	raw, err := json.Marshal(verified(t, c, Options{}))
	if err != nil || !strings.Contains(string(raw), `{"file":"bagit.txt","line":1,"offset":15,"text":"is not what it was when it was sealed"}`) {
		t.Errorf("%s, %v", raw, err)
	}
}

// FuzzVerifyFiles puts anything in the place of each file that is parsed: nothing else than what was sealed verifies.
func FuzzVerifyFiles(f *testing.F) {
	c := signedCase(f)
	names := []string{LogName, "manifest-sha256.txt", "tagmanifest-sha256.txt", StatementName, TimestampName, "bag-info.txt", "bagit.txt", CaseName, "data/snap-0123456789abcdef0/blocks.jsonl"}
	for i, name := range names {
		if raw, err := os.ReadFile(placeOf(c, name)); err == nil {
			f.Add(uint8(i), raw)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		name := names[int(which)%len(names)]
		before, _ := os.ReadFile(placeOf(c, name))
		defer func() {
			if before == nil {
				_ = os.Remove(placeOf(c, name))
				return
			}
			write(t, c, name, string(before))
		}()
		write(t, c, name, string(text))
		r := verified(t, c, Options{})
		if !bytes.Equal(before, text) && r.Err() == nil && (name != LogName || !bytes.HasPrefix(text, before)) {
			t.Errorf("%s: %q verifies", name, text)
		}
		for _, p := range r.Problems {
			if p.Offset < -1 || p.Length < 0 || p.Text == "" {
				t.Errorf("%+v", p)
			}
		}
	})
}

// FuzzIndex reads any index of blocks: it ends, and finds nothing wrong with an image that it is not about but once.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(diskIndex(f)), []byte(diskImage))
	f.Fuzz(func(t *testing.T, index, image []byte) {
		found, err := firstWrong(bytes.NewReader(image), bytes.NewReader(index))
		if err != nil || found == nil {
			return
		}
		if found.offset < 0 || found.length < 1 || found.wrong == "" || found.offset > int64(len(image)) && found.offset > 1<<62 {
			t.Errorf("%+v", found)
		}
	})
}
