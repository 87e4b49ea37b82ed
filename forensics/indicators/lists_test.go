package indicators_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/indicators"
)

const (
	sum256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // of nothing
	sum1   = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
	sum5   = "d41d8cd98f00b204e9800998ecf8427e"
)

// TestHashLists reads every form of list, and says which lines it does not understand.
func TestHashLists(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		n    int
		bad  []string
	}{
		"sha256sum":  {sum256 + "  a file\n" + strings.ToUpper(sum1) + " *binary\n\\" + sum5 + "  odd\\nname\n", 3, nil},
		"tags":       {"SHA256 (a (b) = c) = " + sum256 + "\nMD5 (x) = " + sum5 + "\n", 2, nil},
		"plain":      {"\xef\xbb\xbf# a list\r\n\r\n" + sum256 + "\r\n  " + sum1 + "\t# seen\n", 2, nil},
		"bad lines":  {"hello\n" + sum256 + "\nabc\n" + sum256[:62] + "\n", 1, []string{`l:1: "hello" is no hash in hexadecimal digits`, `l:3: "abc" is no hash in hexadecimal digits`, "l:4: a hash has 64 (SHA-256), 40 (SHA-1) or 32 (MD5) digits, not 62"}},
		"csv":        {"# feed\nfirst_seen,sha256_hash,\"md5_hash\",name\n2024," + sum256 + "," + sum5 + ",\"a, b\"\n2025,,,x\n2026,xyz\n", 2, []string{"l:4: the row has no hash", `l:5: "xyz" is no hash in hexadecimal digits`}},
		"csv quoted": {"name,hash\n\"a\nb\"," + sum1 + "\nc,nothex\n", 1, []string{`l:4: "nothex" is no hash in hexadecimal digits`}},
		"long":       {strings.Repeat("x", 100_000) + "\n" + sum5, 1, []string{"l:1: the line has more than 65536 bytes"}},
		"empty":      {"", 0, nil},
	} {
		var h indicators.Hashes
		problems, err := h.ReadHashes("l", strings.NewReader(test.text))
		var said []string
		for _, p := range problems {
			said = append(said, p.Error())
		}
		if diff := cmp.Diff(test.bad, said); diff != "" || err != nil || h.Len() != test.n {
			t.Errorf("%s: %v, %d hashes\n%s", name, err, h.Len(), diff)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestBrokenLists gives the reader's error on.
func TestBrokenLists(t *testing.T) {
	var h indicators.Hashes
	if _, err := h.ReadHashes("l", broken{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	if _, err := h.ReadHashes("l", io.MultiReader(strings.NewReader("a,sha1\n"), broken{})); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	var p indicators.Paths
	if _, err := p.ReadPaths("l", broken{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

// TestPaths holds paths against lines of a list.
func TestPaths(t *testing.T) {
	for _, test := range []struct {
		line    string
		is, not []string
	}{
		{"/tmp/.x", []string{"/tmp/.x"}, []string{"/var/tmp/.x", "/tmp/.x/y", "/tmp/.X"}},
		{"/tmp/*.sh", []string{"/tmp/a.sh", "/tmp/.sh"}, []string{"/tmp/a/b.sh", "/tmp/a.sh.txt"}},
		{"/home/*/.ssh/id_?sa", []string{"/home/a/.ssh/id_rsa"}, []string{"/home/.ssh/id_rsa", "/home/a/b/.ssh/id_rsa"}},
		{"/var/**/*.php", []string{"/var/a.php", "/var/www/x/a.php"}, []string{"/srv/var/a.php", "/var/a.php/x"}},
		{"/**/kinsing", []string{"/kinsing", "/a/b/kinsing"}, []string{"/kinsing/x"}},
		{"/etc/**", []string{"/etc", "/etc/a/b"}, []string{"/etcetera"}},
		{"kdevtmpfsi", []string{"/kdevtmpfsi", "/tmp/kdevtmpfsi"}, []string{"/tmp/kdevtmpfsi2"}},
		{"lib*.so", []string{"/a/libx.so"}, []string{"/libx.so/a"}},
		{`/tmp/\*`, []string{"/tmp/*"}, []string{"/tmp/a"}},
		{"/tmp/[a-c]x", []string{"/tmp/bx"}, []string{"/tmp/dx"}},
		{"/a\xff*", []string{"/a\xff\n\xfe"}, []string{"/b"}},
		{"/**/a/**/b", []string{"/a/b", "/x/a/y/z/b", "/a/a/b/b"}, []string{"/b/a", "/a/bb"}},
	} {
		var p indicators.Paths
		if problems, err := p.ReadPaths("l", strings.NewReader("# list\n"+test.line+"\n")); err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		for _, name := range test.is {
			if place, text, ok := p.Find(name); !ok || place.Line != 2 || text != test.line {
				t.Errorf("%q does not match %q: %v %q", name, test.line, place, text)
			}
		}
		for _, name := range test.not {
			if _, _, ok := p.Find(name); ok {
				t.Errorf("%q matches %q", name, test.line)
			}
		}
	}
	var p indicators.Paths
	problems, err := p.ReadPaths("l", strings.NewReader("a/b\n/a/../b\n/a//b\n/[a\n/a**\n/\n/ok\n/x\\\n/"+strings.Repeat("a/", 300)+"\n"))
	if err != nil || len(problems) != 8 || p.Len() != 1 {
		t.Errorf("%v %v", err, problems)
	}
}

// FuzzLists reads anything as lists, and holds any path against them.
func FuzzLists(f *testing.F) {
	f.Add(sum256+"  file\n/tmp/**/x\n", "/tmp/x")
	f.Add("a,sha256\n\"x\ny\","+sum256+"\n", "/x")
	f.Add("/**/**/**/*a*b*c*\n[", "/a/b/c/abc")
	f.Fuzz(func(t *testing.T, text, name string) {
		var h indicators.Hashes
		if _, err := h.ReadHashes("l", strings.NewReader(text)); err != nil {
			t.Error(err)
		}
		var p indicators.Paths
		if _, err := p.ReadPaths("l", strings.NewReader(text)); err != nil {
			t.Error(err)
		}
		if _, found, ok := p.Find(name); ok && !strings.Contains(text, found) {
			t.Errorf("%q is no line", found)
		}
	})
}
