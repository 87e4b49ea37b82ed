package attest_test

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/custody/attest"
)

func key(b byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return ed25519.PublicKey(k[32:]) }

// The example of the protocol's own page.
func TestPAEIsTheProtocols(t *testing.T) {
	if got := string(attest.PAE("http://example.com/HelloWorld", []byte("hello world"))); got != "DSSEv1 29 http://example.com/HelloWorld 11 hello world" {
		t.Error(got)
	}
}

func line(t testing.TB, e attest.Envelope) []byte {
	t.Helper()
	raw, err := e.Line()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAnyByteOfAnEnvelopeCounts(t *testing.T) {
	raw := line(t, attest.Seal([]byte(`{"a":"<&>"}`), key(1)))
	keys := []ed25519.PublicKey{public(key(2)), public(key(1)), make([]byte, 3)}
	e, err := attest.ParseEnvelope(raw)
	if err != nil || len(e.SignedBy(keys)) != 1 || len(e.SignedBy(keys[:1])) != 0 {
		t.Fatal(err)
	}
	for i := range raw {
		for bit := range 8 {
			altered := bytes.Clone(raw)
			altered[i] ^= 1 << bit
			if e, err := attest.ParseEnvelope(altered); err == nil && len(e.SignedBy(keys)) != 0 && !bytes.Contains(altered, []byte(`"keyid"`)) {
				t.Errorf("byte %d: %q verifies", i, altered)
			}
		}
	}
}

func TestEnvelopesThatAreRefused(t *testing.T) {
	good := string(line(t, attest.Seal([]byte("x"), key(1))))
	for _, text := range []string{
		"", "{}", good + " ", strings.TrimSuffix(good, "\n"), " " + good, strings.Replace(good, "{", `{"extra":1,`, 1),
		strings.Replace(good, "vnd.in-toto", "vnd.other", 1), strings.Replace(good, `"eA=="`, `"eB=="`, 1), strings.Replace(good, `"eA=="`, `"eA"`, 1), good + good,
	} {
		if _, err := attest.ParseEnvelope([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestAStatementSurvives(t *testing.T) {
	want := attest.Statement{
		Type: attest.StatementType, PredicateType: attest.PredicateType,
		Subject:   []attest.Subject{{Name: "data/a", Digest: map[string]string{attest.SHA256: "00"}}},
		Predicate: attest.Predicate{Case: "c", Sealed: time.Unix(1, 2).UTC(), Log: attest.Log{Entries: 1, Head: "h"}, Runs: []attest.Run{{Workflow: "w", Run: "r", Events: 1}}},
	}
	raw, err := want.Write()
	if err != nil {
		t.Fatal(err)
	}
	got, err := attest.ParseStatement(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	want.PredicateType = "https://slsa.dev/provenance/v1"
	if raw, err = want.Write(); err != nil {
		t.Fatal(err)
	}
	if _, err := attest.ParseStatement(raw); err == nil {
		t.Error("a statement of another kind was taken")
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add(line(f, attest.Seal([]byte(`{"_type":"https://in-toto.io/Statement/v1"}`), key(1))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := attest.ParseEnvelope(raw)
		if err != nil {
			return
		}
		if !bytes.Equal(line(t, e), raw) {
			t.Errorf("%q reads as another text", raw)
		}
		if len(e.SignedBy([]ed25519.PublicKey{public(key(9))})) != 0 {
			t.Errorf("%q is signed with a key that never signed", raw)
		}
		if s, err := attest.ParseStatement(e.Payload); err == nil && s.Type != attest.StatementType {
			t.Errorf("%q", raw)
		}
	})
}
