package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	key32Hex    = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	key32Base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

func TestEncryptionKeys(t *testing.T) {
	for text, want := range map[string]string{
		key32Hex: "", key32Base64: "", strings.TrimRight(key32Base64, "="): "", strings.ToUpper(key32Hex): "",
		key32Hex[:62]:   "has 31 bytes",
		key32Hex + "00": "has 33 bytes",
		"hunter-2":      "is neither base64 nor hex",
		"AAEC":          "has 2 bytes",
	} {
		got, err := EncryptionKey{ID: "k1", Secret: Secret{Env: "K"}}.Read(environment("K", " "+text+"\n"))
		switch {
		case want == "" && (err != nil || len(got) != 32 || got[31] != 0x1f):
			t.Errorf("%s: got %x, %v", text, got, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), text)):
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestCheckEncryption(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "short", key32Hex[:32])
	write(t, "good", key32Base64+"\n")
	c, problems := Parse("firebreak.yaml", []byte(strings.Join([]string{
		"encryption:",
		"  current: k1",
		"  keys:",
		"    - {id: k1, file: short}",
		"    - {id: k2, file: gone}",
		"    - {id: k3, env: ABSENT}",
		"    - {id: k4, file: good}",
		"codec: {token: 'env:ABSENT', tls: {certificate: gone, key: good}}",
	}, "\n")))
	if len(problems) > 0 {
		t.Fatal(lines(problems))
	}
	want := strings.Join([]string{
		"firebreak.yaml:4:7: the key \"k1\" in file:short has 16 bytes, and must have 32, in base64 or hex; make one with `openssl rand -base64 32` [secret]",
		`firebreak.yaml:5:7: the key "k2": secret: open gone: no such file or directory [missing-file]`,
		`firebreak.yaml:6:7: the key "k3": secret: the environment variable ABSENT is not set [secret]`,
		`firebreak.yaml:8:16: secret: the environment variable ABSENT is not set [secret]`,
		`firebreak.yaml:8:49: stat gone: no such file or directory [missing-file]`,
		"",
	}, "\n")
	if diff := cmp.Diff(want, lines(c.Check(none))); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestUIOrigin(t *testing.T) {
	for _, c := range []struct{ origin, webUI, want string }{
		{"", "", ""},
		{"", "https://Temporal.example.com/ui", "https://temporal.example.com"},
		{"", "https://temporal.example.com:443", "https://temporal.example.com"},
		{"", "http://127.0.0.1:8233", "http://127.0.0.1:8233"},
		{"https://other.example.com", "http://127.0.0.1:8233", "https://other.example.com"},
	} {
		if got := (Config{WebUI: c.webUI, Codec: Codec{Origin: c.origin}}).UIOrigin(); got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}
