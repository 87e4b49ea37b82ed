package config

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pair gives a key of tests, as PEM.
func pair(t *testing.T) (private, public string, key ed25519.PrivateKey) {
	t.Helper()
	key = ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	known, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: known})), key
}

func TestCheckKeysAndTargets(t *testing.T) {
	t.Chdir(t.TempDir())
	private, public, _ := pair(t)
	write(t, "ann.pub", public)
	write(t, "bob.pub", private)
	write(t, "eve.pub", "x")
	write(t, "receiver.key", public)
	write(t, "hook", "hunter2")
	write(t, "good", "https://hooks.example.com/x\n")
	c, problems := Parse("firebreak.yaml", []byte(strings.Join([]string{
		"people:",
		"  - {subject: ann, key: ann.pub}",
		"  - {subject: bob, key: bob.pub}",
		"  - {subject: eve, key: eve.pub}",
		"  - {subject: max, key: max.pub}",
		"receiver: {signingKey: file:receiver.key}",
		"notify:",
		"  - {url: file:hook, kind: slack}",
		"  - {url: env:ABSENT, kind: webhook}",
		"  - {url: file:good, kind: webhook}",
	}, "\n")))
	if len(problems) > 0 {
		t.Fatal(lines(problems))
	}
	want := strings.Join([]string{
		`firebreak.yaml:3:25: key of "bob": it is a private key, and the public one is wanted; keep this one secret [secret]`,
		`firebreak.yaml:4:25: key of "eve": it is no PEM [secret]`,
		`firebreak.yaml:5:25: key of "max": open max.pub: no such file or directory [missing-file]`,
		`firebreak.yaml:6:24: the key in file:receiver.key: the PEM block is "PUBLIC KEY", not "PRIVATE KEY" [secret]`,
		`firebreak.yaml:8:11: what is in file:hook is no address such as https://hooks.example.com/… [secret]`,
		`firebreak.yaml:9:11: secret: the environment variable ABSENT is not set [secret]`,
		"",
	}, "\n")
	if diff := cmp.Diff(want, lines(c.Check(none))); diff != "" {
		t.Error(diff)
	}
}

func TestThePrivateKeyOfTheReceiverMayBeElsewhere(t *testing.T) {
	t.Chdir(t.TempDir())
	_, public, key := pair(t)
	write(t, "receiver.pub", public)
	c, problems := Parse("firebreak.yaml", []byte("people: [{subject: ann, key: receiver.pub}]\nreceiver: {signingKey: file:receiver.key, publicKey: receiver.pub}"))
	if len(problems) > 0 || len(c.Check(none)) > 0 {
		t.Fatal(lines(problems), lines(c.Check(none)))
	}
	got, err := c.Receiver.Public(none)
	if err != nil || !got.Equal(key.Public()) {
		t.Fatal(got, err)
	}
	c.Receiver.PublicKey = SigningKey{}
	if problems := lines(c.Check(none)); !strings.Contains(problems, "receiver.key: no such file") {
		t.Fatalf("without a public key the private one is needed: %q", problems)
	}
}

func TestAKeyInBase64(t *testing.T) {
	_, _, key := pair(t)
	public, _ := key.Public().(ed25519.PublicKey)
	c, problems := Parse("f.yaml", []byte("people: [{subject: ann, key: '"+base64.StdEncoding.EncodeToString(public)+"'}]"))
	if len(problems) > 0 {
		t.Fatal(lines(problems))
	}
	got, err := ReadPublic(c.People[0].Key)
	if err != nil || !got.Equal(public) {
		t.Fatal(got, err)
	}
}
