package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/custody/rfc3161/tsatest"
	"github.com/firebreak-ir/firebreak/playbooks/signing"
)

func TestVerify(t *testing.T) {
	dir := sealedCase(t, custody.Sealing{})
	if code, out := verify(t, dir); code != exitOK || !strings.Contains(out, "\nwhole  one.12345678: 1 files, 5 B, 2 log entries\nhead   ") ||
		!strings.Contains(out, "note   the statement is not signed") || !strings.Contains(out, "note   the seal has no timestamp") {
		t.Errorf("untouched: %d %s", code, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "logs", "a.log"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := verify(t, dir); code != exitWrong || !strings.Contains(out, `wrong  "data/logs/a.log": SHA-256 is`) || !strings.Contains(out, "not whole") {
		t.Errorf("changed: %d %s", code, out)
	}
	if code, _ := verify(t, filepath.Join(dir, "..", "two.12345678")); code != exitWrong {
		t.Errorf("a directory that is no case: %d", code)
	}
	if _, err := os.Stat(filepath.Join(dir, "..", "two.12345678")); err == nil {
		t.Error("verifying made a directory")
	}
}

func TestVerifyAsJSONNamesThePlace(t *testing.T) {
	dir := sealedCase(t, custody.Sealing{})
	if err := os.WriteFile(filepath.Join(dir, "bagit.txt"), []byte("BagIt-Version: 2.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out := verify(t, dir, "--output", "json")
	var got struct {
		Whole    bool
		Case     string
		Problems []custody.Problem
		Notices  []string
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitWrong || got.Whole || got.Case != "one.12345678" || len(got.Notices) != 2 {
		t.Fatalf("%d %s, %v", code, out, err)
	}
	want := custody.Problem{File: "bagit.txt", Line: 1, Offset: 15, Text: "is not what it was when it was sealed"}
	if len(got.Problems) != 1 || got.Problems[0] != want {
		t.Errorf("%+v", got.Problems)
	}
}

// TestVerifyWithKeys seals by the configuration, and checks with public keys alone.
func TestVerifyWithKeys(t *testing.T) {
	t.Chdir(t.TempDir())
	tsa := tsatest.Start(t, "rsa")
	key, stranger := keyFiles(t, "evidence"), keyFiles(t, "stranger")
	a := &app{system: system{env: func(string) (string, bool) { return "", false }, now: time.Now}}
	with, err := a.sealing(config.Sealing{
		Organization: "Example Corp", SigningKey: config.Secret{File: "evidence.key"}, Timestamp: config.Timestamp{URL: tsa.URL, CA: tsa.CA, Required: true},
	})
	if err != nil || !with.MustStamp {
		t.Fatalf("%+v, %v", with, err)
	}
	dir := sealedCase(t, with)
	good := []string{"--key", "stranger.pub", "--key", "evidence.pub", "--tsa-ca", tsa.CA}
	if code, out := verify(t, dir, good...); code != exitOK || !strings.HasPrefix(out, "signed with key "+key+"\nstamped 20") || strings.Contains(out, "note ") {
		t.Errorf("%d %s", code, out)
	}
	for want, test := range map[string]struct {
		code  int
		flags []string
	}{
		"none of the keys given has signed it; it names key": {exitWrong, []string{"--key", "stranger.pub"}},
		"give the public key with --key":                     {exitOK, nil},
		"give the TSA's root with --tsa-ca":                  {exitOK, []string{"--key", "evidence.pub"}},
		"":                                                   {exitWrong, []string{"--key", "evidence.key"}}, // the private one
		" ":                                                  {exitWrong, []string{"--key", "gone.pub"}},
		"  ":                                                 {exitWrong, []string{"--tsa-ca", "evidence.pub"}},
		"   ":                                                {exitUsage, []string{"--keys", "x"}},
	} {
		if code, out := verify(t, dir, test.flags...); code != test.code || !strings.Contains(out, strings.TrimSpace(want)) {
			t.Errorf("%v: %d %s", test.flags, code, out)
		}
	}
	if stranger == key {
		t.Error("one key")
	}
}

func TestSealingWithAWrongKeyIsRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	keyFiles(t, "evidence")
	a := &app{system: system{env: func(string) (string, bool) { return "", false }, now: time.Now}}
	for want, c := range map[string]config.Sealing{
		"seal.signingKey: the key in file:evidence.pub":   {SigningKey: config.Secret{File: "evidence.pub"}},
		"seal.timestamp.ca: open gone":                    {Timestamp: config.Timestamp{URL: "http://127.0.0.1:1", CA: "gone"}},
		`seal.timestamp.ca: "evidence.pub" holds no cert`: {Timestamp: config.Timestamp{URL: "http://127.0.0.1:1", CA: "evidence.pub"}},
	} {
		if _, err := a.sealing(c); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestVerifyShowsHowFarItIs only where somebody looks.
func TestVerifyShowsHowFarItIs(t *testing.T) {
	dir := sealedCase(t, custody.Sealing{})
	for _, terminal := range []bool{true, false} {
		var errs bytes.Buffer
		sys := system{stdout: io.Discard, stderr: &errs, now: time.Now, env: func(string) (string, bool) { return "", false }, terminal: terminal, width: 80}
		code := run(t.Context(), sys, []string{"verify", dir})
		if code != exitOK || strings.Contains(errs.String(), "data/") != terminal || strings.Contains(errs.String(), "\n") {
			t.Errorf("terminal %v: %d %q", terminal, code, errs.String())
		}
	}
}

// keyFiles makes NAME.key and NAME.pub here, and gives the key's id.
func keyFiles(t *testing.T, name string) string {
	t.Helper()
	key, err := signing.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.Public().PEM()
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{name + ".key": private, name + ".pub": public} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return key.Public().ID()
}

func verify(t *testing.T, dir string, flags ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	sys := system{stdout: &out, stderr: io.Discard, now: time.Now, env: func(string) (string, bool) { return "", false }}
	return run(t.Context(), sys, append([]string{"verify", dir}, flags...)), out.String()
}

func sealedCase(t *testing.T, with custody.Sealing) string {
	t.Helper()
	store, err := custody.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	c, err := store.Case("one.12345678")
	if err != nil {
		t.Fatal(err)
	}
	by := custody.By{Step: "logs", Key: "k"}
	if _, err := c.Put(t.Context(), by, "data/logs/a.log", "log", func(w io.Writer) error {
		_, err := fmt.Fprint(w, "lines")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Seal(t.Context(), by, with); err != nil {
		t.Fatal(err)
	}
	return c.Dir()
}
