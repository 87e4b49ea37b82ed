package signing

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
)

func newKey(t testing.TB) Private {
	t.Helper()
	key, err := Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func content() Content {
	return Content{
		Playbook: []byte("kind: Playbook\n"), Lock: []byte("{}\n"),
		Files: map[string][]byte{"drills/a.json": []byte("{}"), "drills/b.json": []byte("[]")},
	}
}

func signed(t testing.TB, c Content, with Private, there []byte) []byte {
	t.Helper()
	text, err := Sign(c, with, there)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWhatIsSignedVerifies(t *testing.T) {
	key := newKey(t)
	id, err := Verify(content(), signed(t, content(), key, nil), []Key{newKey(t).Public(), key.Public()})
	if err != nil || id != key.Public().ID() {
		t.Fatal(id, err)
	}
}

// TestAnyByteCounts alters each byte of all that a signature covers.
func TestAnyByteCounts(t *testing.T) {
	key := newKey(t)
	signatures := signed(t, content(), key, nil)
	refused := func(what string, c Content) {
		t.Helper()
		if _, err := Verify(c, signatures, []Key{key.Public()}); !errors.Is(err, ErrAltered) {
			t.Errorf("%s: %v", what, err)
		}
	}
	each := func(what string, text []byte, into func(*Content, []byte)) {
		for i := range text {
			c, altered := content(), bytes.Clone(text)
			altered[i] ^= 1
			into(&c, altered)
			refused(what, c)
		}
	}
	each("playbook", content().Playbook, func(c *Content, b []byte) { c.Playbook = b })
	each("lock", content().Lock, func(c *Content, b []byte) { c.Lock = b })
	each("file", content().Files["drills/a.json"], func(c *Content, b []byte) { c.Files["drills/a.json"] = b })

	c := content()
	c.Lock = nil
	refused("no lock", c)
	c.Lock = []byte{}
	refused("an empty lock", c)
	c = content()
	delete(c.Files, "drills/b.json")
	refused("a file less", c)
	c = content()
	c.Files["drills/c.json"] = nil
	refused("a file more", c)
	c = content()
	c.Files["drills/a.json"], c.Files["drills/b.json"] = c.Files["drills/b.json"], c.Files["drills/a.json"]
	refused("two files exchanged", c)
}

func TestAnotherKeyIsNotTrusted(t *testing.T) {
	signatures := signed(t, content(), newKey(t), nil)
	for _, keys := range [][]Key{nil, {newKey(t).Public()}} {
		if _, err := Verify(content(), signatures, keys); !errors.Is(err, ErrUnsigned) {
			t.Error(err)
		}
	}
	if _, err := Verify(content(), nil, []Key{newKey(t).Public()}); !errors.Is(err, ErrUnsigned) {
		t.Error(err)
	}
	stolen := strings.Replace(string(signatures), strings.Fields(string(signatures))[1], newKey(t).Public().ID(), 1)
	if _, err := Verify(content(), []byte(stolen), []Key{newKey(t).Public()}); !errors.Is(err, ErrUnsigned) {
		t.Error(err)
	}
}

func TestKeysSignBesideOneAnother(t *testing.T) {
	first, second := newKey(t), newKey(t)
	before := content()
	before.Playbook = []byte("older")
	text := signed(t, before, first, nil)
	text = signed(t, content(), second, text)
	if _, err := Verify(content(), text, []Key{first.Public()}); !errors.Is(err, ErrAltered) {
		t.Error(err)
	}
	text = signed(t, content(), first, text)
	if lines := bytes.Count(text, []byte("\n")); lines != 2 {
		t.Fatalf("%d lines:\n%s", lines, text)
	}
	for _, key := range []Private{first, second} {
		if id, err := Verify(content(), text, []Key{key.Public()}); err != nil || id != key.Public().ID() {
			t.Error(id, err)
		}
	}
}

func TestBrokenSignatures(t *testing.T) {
	good := string(signed(t, content(), newKey(t), nil))
	for _, text := range []string{
		"hello\n", "rsa abc def\n", strings.TrimSpace(good) + "x\n", strings.Replace(good, "==", "=", 1), "ed25519 k AAAA\n",
		strings.Repeat(good, 1+MaxBytes/len(good)),
	} {
		if _, err := Verify(content(), []byte(text), nil); err == nil || errors.Is(err, ErrUnsigned) {
			t.Errorf("%.60q: %v", text, err)
		}
		if _, err := Sign(content(), newKey(t), []byte(text)); err == nil {
			t.Errorf("%.60q was added to", text)
		}
	}
}

func TestKeysSurvivePEM(t *testing.T) {
	key := newKey(t)
	private, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.Public().PEM()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParsePrivate(private)
	if err != nil {
		t.Fatal(err)
	}
	verifies, err := ParsePublic(public)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(content(), signed(t, content(), again, nil), []Key{verifies}); err != nil {
		t.Error(err)
	}
	other := foreign(t)
	for _, test := range []struct{ name, text, wrong string }{
		{"nothing", "", "no PEM block"},
		{"a private one", string(private), "this is a private key"},
		{"two", string(public) + string(public), "several PEM blocks"},
		{"of another kind", string(other), "not of ed25519"},
		{"something else", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not \"PUBLIC KEY\""},
	} {
		if _, err := ParsePublic([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if _, err := ParsePrivate(public); err == nil {
		t.Error("a public key signs")
	}
}

func foreign(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: raw})
}

// FuzzVerify: signatures are a stranger's bytes; none of them pass, and none of them break anything.
func FuzzVerify(f *testing.F) {
	key := newKey(f)
	good := signed(f, content(), key, nil)
	f.Add(good)
	f.Add([]byte("ed25519 a b\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := content()
		c.Playbook = append(c.Playbook, ' ')
		if id, err := Verify(c, text, []Key{key.Public()}); err == nil {
			t.Fatalf("%s verifies %q", id, text)
		}
	})
}
