package yara_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/indicators/yara"
)

func checkMatches(t testing.TB, r yara.Result, size int) {
	t.Helper()
	for _, m := range r.Matches {
		for _, s := range m.Strings {
			if s.Offset < 0 || s.Length < 1 || s.Offset+int64(s.Length) > int64(size) {
				t.Errorf("%s: %+v in %d bytes", m.Rule, s, size)
			}
		}
	}
}

// inPieces writes a file in pieces of a size.
func inPieces(t testing.TB, r *yara.Rules, content []byte, piece int, opts yara.Options) yara.Result {
	t.Helper()
	piece = max(1, min(piece&0xFFFFF, len(content)))
	s := r.Begin(int64(len(content)), opts)
	for rest := content; len(rest) > 0; {
		n := min(piece, len(rest))
		if _, err := s.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	out, err := s.End(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func equal(a, b yara.Result) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

// TestAcrossBuffers finds what lies on the borders of the buffers of a large file, however it is written.
func TestAcrossBuffers(t *testing.T) {
	rules := compile(t, `
rule near { strings: $a = "needle" condition: #a == 41 }
rule far { strings: $a = /BEGIN.{3900}END/s condition: #a == 41 }
rule word { strings: $a = "whole" fullword condition: #a == 41 }
rule no_atom { strings: $a = /[\xf0-\xf2][\xf0-\xf2][\xf0-\xf2]/ condition: #a == 41 }`)
	r := rand.New(rand.NewPCG(1, 2))
	content := make([]byte, 2<<20)
	for i := range content {
		content[i] = byte(r.IntN(128))
	}
	const buffer = 512 << 10
	for i := range 41 { // around the first three borders, and elsewhere
		at := buffer*(1+i%3) - 8300 + i*200
		if i > 30 {
			at = 1900<<10 + i*600
		}
		copy(content[at:], "BEGIN")
		copy(content[at+3905:], "END")
		at += 60
		copy(content[at:], " needle \xf0\xf1\xf2 whole ")
	}
	copy(content, "xwhole wholex")
	whole, err := rules.Scan(t.Context(), bytes.NewReader(content), int64(len(content)), yara.Options{})
	if err != nil || len(whole.Matches) != 4 || len(whole.Undecided) != 0 {
		t.Fatalf("%v %+v", err, whole)
	}
	for _, piece := range []int{1 << 20, 4096, 777} {
		if got := inPieces(t, rules, content, piece, yara.Options{}); !equal(whole, got) {
			t.Errorf("pieces of %d: %+v", piece, got)
		}
	}
}

// TestEveryPlace counts matches that lie at every second byte, over the borders of buffers too.
func TestEveryPlace(t *testing.T) {
	rules := compile(t, `rule every { strings: $a = "ab" $b = "abab" $c = /a[b]/ condition: #a == 600000 and #b == 599999 and #c == 600000 }`)
	content := bytes.Repeat([]byte("ab"), 600_000)
	r, err := rules.Scan(t.Context(), bytes.NewReader(content), int64(len(content)), yara.Options{MaxOffsets: 2_000_000})
	if err != nil || len(r.Matches) != 1 || len(r.Undecided) > 0 {
		t.Errorf("%v %+v", err, r)
	}
}

// TestUndecided says what was not searched to its end.
func TestUndecided(t *testing.T) {
	many := bytes.Repeat([]byte("ab"), 5000)
	for _, test := range []struct {
		rule, want string
		opts       yara.Options
	}{
		{`rule slow { strings: $a = /a[ab]*z/ condition: $a }`, "more than 10000 steps", yara.Options{MaxSteps: 10_000}},
		{`rule often { strings: $a = "ab" condition: #a > 4000 }`, `rule "often": string "$a" is found more often than the 100 times`, yara.Options{MaxOffsets: 100}},
		{`rule loop { condition: for all i in (0..0x7fffffffffffffff) : ( true ) }`, `rule "loop": its condition takes more than 1048576 steps`, yara.Options{}},
		{`rule fine { strings: $a = "ab" condition: $a }`, "", yara.Options{MaxOffsets: 1}},
	} {
		r, err := compile(t, test.rule).Scan(t.Context(), bytes.NewReader(many), int64(len(many)), test.opts)
		if said := strings.Join(r.Undecided, "\n"); err != nil || !strings.Contains(said, test.want) || (test.want == "") != (said == "") {
			t.Errorf("%s: %v, %q", test.rule, err, said)
		}
	}
}

type failing struct{ at int64 }

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.at {
		return 0, os.ErrInvalid
	}
	return len(p), nil
}

// TestFailures gives errors of the file on, and ends when nobody waits.
func TestFailures(t *testing.T) {
	rules := compile(t, `rule a { strings: $a = "text" condition: $a }`)
	if _, err := rules.Scan(t.Context(), failing{1 << 20}, 2<<20, yara.Options{}); !errors.Is(err, os.ErrInvalid) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rules.Scan(ctx, failing{1 << 30}, 1<<20, yara.Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := rules.Scan(t.Context(), bytes.NewReader([]byte("short")), 100, yara.Options{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	s := rules.Begin(3, yara.Options{})
	if _, err := s.Write([]byte("four")); err == nil {
		t.Error("more bytes than the file has were taken")
	}
}
