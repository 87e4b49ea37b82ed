package custody

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/custody/attest"
)

var sealer = By{Step: "seal", Key: "seal"}

// texts gives the content of every file of a case, but the lock.
func texts(t testing.TB, c *Case) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range append(filesIn(t, c.dir), append([]string{LogName, CaseName, "tagmanifest-sha256.txt"}, tagFiles()...)...) {
		if raw, err := os.ReadFile(placeOf(c, name)); err == nil {
			out[name] = string(raw)
		}
	}
	return out
}

// TestASealThatIsKilledIsMadeWhole kills a seal at each thing that it does to the disk, and then seals again: the case is the
// same, byte for byte, as one whose seal nobody killed. So is one that was sealed before and got more evidence since.
func TestASealThatIsKilledIsMadeWhole(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(*testing.T, *Case){
		"first": func(t *testing.T, c *Case) { evidenceOf(t, c) },
		"second": func(t *testing.T, c *Case) {
			evidenceOf(t, c)
			mustSeal(t, c, Sealing{Stamper: stampOf("of the first seal")})
			if _, err := c.Put(t.Context(), By{Step: "late", Key: "late"}, "data/late", "log", func(w io.Writer) error { return nil }); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, how := range []string{"before", "half", "after"} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				unharmed := caseIn(t, t.TempDir())
				before(t, unharmed)
				want := mustSeal(t, unharmed, signing())
				for n, died := 1, true; died; n++ {
					c := caseIn(t, t.TempDir())
					before(t, c)
					d := &dying{n: n, how: how}
					c.disk = d
					if _, err := c.Seal(t.Context(), sealer, signing()); d.dead != (err != nil) {
						t.Fatalf("step %d: killed: %v, and the call gave %v", n, d.dead, err)
					}
					died, c.disk = d.dead, lazy{}
					got := mustSeal(t, c, signing())
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("step %d: the seal (-want +got):\n%s", n, diff)
					}
					if diff := cmp.Diff(texts(t, unharmed), texts(t, c)); diff != "" {
						t.Fatalf("step %d: the files (-want +got):\n%s", n, diff)
					}
					if n > 100 {
						t.Fatal("it never ends")
					}
				}
			})
		}
	}
}

// mustSeal seals and verifies.
func mustSeal(t *testing.T, c *Case, with Sealing) Seal {
	t.Helper()
	seal, err := c.Seal(t.Context(), sealer, with)
	if err != nil {
		t.Fatal(err)
	}
	options := Options{}
	if with.Key != nil {
		options.Keys = []ed25519.PublicKey{publicKey(t)}
	}
	r := verified(t, c, options)
	for _, p := range r.Problems {
		if p.File != TimestampName { // of no TSA
			t.Fatal(p)
		}
	}
	return seal
}

// stampOf is a TSA that answers with a text.
type stampOf string

// Stamp is Stamper's.
func (s stampOf) Stamp(context.Context, [sha256.Size]byte) ([]byte, error) {
	if s == "" {
		return nil, errors.New("the TSA is down")
	}
	return []byte(s), nil
}

func TestOtherPeoplesToolsTakeASealedCase(t *testing.T) {
	t.Parallel()
	c, _, tsa := sealedFully(t)
	for _, manifest := range []string{"manifest-sha256.txt", "tagmanifest-sha256.txt"} {
		tool(t, c.dir, "sha256sum", "--strict", "--quiet", "-c", manifest)
	}
	if err := tsa.Accepts(t.Context(), placeOf(c, StatementName), placeOf(c, TimestampName)); err != nil {
		t.Error(err)
	}
}

func tool(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// TestTheEnvelopeIsDSSE checks the signature with openssl alone, over an encoding that is made here by the protocol's words.
func TestTheEnvelopeIsDSSE(t *testing.T) {
	t.Parallel()
	c := caseIn(t, t.TempDir())
	evidenceOf(t, c)
	mustSeal(t, c, signing())
	raw, err := os.ReadFile(placeOf(c, StatementName))
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		PayloadType, Payload string
		Signatures           []struct{ KeyID, Sig string }
	}
	if err := json.Unmarshal(raw, &e); err != nil || len(e.Signatures) != 1 {
		t.Fatalf("%+v, %v", e, err)
	}
	payload, err := base64.StdEncoding.DecodeString(e.Payload)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	covered := fmt.Sprintf("DSSEv1 28 application/vnd.in-toto+json %d %s", len(payload), payload)
	spki := append([]byte("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"), publicKey(t)...)
	for name, content := range map[string][]byte{"covered": []byte(covered), "sig": sig, "key.der": spki} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := tool(t, dir, "openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin", "-in", "covered", "-sigfile", "sig")
	if !strings.Contains(out, "Signature Verified Successfully") {
		t.Error(out)
	}
	wantStatement(t, payload)
}

// wantStatement looks at the statement as a stranger to this program would.
func wantStatement(t *testing.T, payload []byte) {
	t.Helper()
	var s struct {
		Type          string `json:"_type"`
		PredicateType string
		Subject       []struct {
			Name   string
			Digest map[string]string
		}
		Predicate struct{ Runs []attest.Run }
	}
	if err := json.Unmarshal(payload, &s); err != nil {
		t.Fatal(err)
	}
	blocks := sha256.New()
	for _, block := range []string{"abcd", "efgh", "ijkl"} {
		sum := sha256.Sum256([]byte(block))
		blocks.Write(sum[:])
	}
	got := map[string]string{}
	for _, subject := range s.Subject {
		for kind, digest := range subject.Digest {
			got[subject.Name+" "+kind] = digest
		}
	}
	if len(got) != 6 || got["snap-0123456789abcdef0 ebsLinearSha256"] != fmt.Sprintf("%x", blocks.Sum(nil)) ||
		got["data/logs/shop/web.log sha256"] != fmt.Sprintf("%x", sha256.Sum256([]byte("the only copy\n"))) {
		t.Errorf("subjects %v", got)
	}
	if s.Type != "https://in-toto.io/Statement/v1" || s.PredicateType != attest.PredicateType || len(s.Predicate.Runs) != 1 ||
		s.Predicate.Runs[0] != (attest.Run{Workflow: "w", Run: "r", Events: 7}) {
		t.Errorf("%+v", s)
	}
}

func TestATSAThatIsDownIsSaidAndTheSealGoesOn(t *testing.T) {
	t.Parallel()
	c := caseIn(t, t.TempDir())
	evidenceOf(t, c)
	must := signing()
	must.Stamper, must.MustStamp = stampOf(""), true
	if _, err := c.Seal(t.Context(), sealer, must); err == nil || !strings.Contains(err.Error(), "timestamp of the seal: the TSA is down") {
		t.Fatal(err)
	}
	if r := verified(t, c, Options{}); r.Err() == nil || !strings.Contains(r.Err().Error(), "the case was never sealed") {
		t.Fatal(r.Err())
	}
	may := must
	may.MustStamp = false
	first := mustSeal(t, c, may)
	if len(first.Warnings) != 1 || !strings.Contains(first.Warnings[0], "the seal has no timestamp: the TSA is down") {
		t.Errorf("%+v", first)
	}
	if second := mustSeal(t, c, may); second.Head != first.Head || len(second.Warnings) != 1 {
		t.Errorf("a retry with the TSA still down gave %+v, the first %+v", second, first)
	}
	if entries, err := c.Log(); err != nil || entries[len(entries)-2].Text != "the seal has no timestamp: the TSA is down" {
		t.Errorf("%+v, %v", entries, err)
	}
	may.Stamper = stampOf("a timestamp")
	if third := mustSeal(t, c, may); third.Head == first.Head || len(third.Warnings) > 0 {
		t.Errorf("now that it is up: %+v", third)
	}
}

func TestASealIsMadeAgainOnlyForAReason(t *testing.T) {
	t.Parallel()
	c := caseIn(t, t.TempDir())
	evidenceOf(t, c)
	unsigned := mustSeal(t, c, Sealing{})
	if unsigned.SignedBy != "" || mustSeal(t, c, Sealing{}).Head != unsigned.Head {
		t.Error("sealed again")
	}
	signed := mustSeal(t, c, signing())
	if signed.Head == unsigned.Head || signed.SignedBy != attest.KeyID(publicKey(t)) {
		t.Errorf("with a key: %+v", signed)
	}
	if again := mustSeal(t, c, signing()); again.Head != signed.Head {
		t.Error("sealed again with the same key")
	}
	if err := os.Remove(placeOf(c, "bag-info.txt")); err != nil {
		t.Fatal(err)
	}
	if mended := mustSeal(t, c, signing()); mended.Head == signed.Head {
		t.Error("a lost file of the seal was not made again")
	}
}
