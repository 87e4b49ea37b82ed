package pattern_test

import (
	"bytes"
	"errors"
	"regexp"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/indicators/pattern"
)

// try holds a pattern against every place of the data: what matches lies in it, and has one of the pattern's atoms where
// the atom says. It gives the places.
func try(t *testing.T, n *pattern.Node, data []byte) (starts []int) {
	t.Helper()
	p, err := pattern.Compile(n)
	if err != nil {
		return nil
	}
	m := &pattern.Machine{Left: 1 << 22}
	v := pattern.View{Data: data, Size: int64(len(data))}
	atoms := pattern.Atoms(n)
	least, _ := n.Width()
	for at := range data {
		length, ok := p.Match(m, v, at)
		if !ok {
			continue
		}
		starts = append(starts, at)
		if first := p.First(); length < least || at+length > len(data) || !first.Has(data[at]) {
			t.Errorf("a match of %d bytes at %d in %d; the least are %d", length, at, len(data), least)
		}
		if atoms != nil && !hasAtom(atoms, data, at) {
			t.Errorf("the match at %d of %q has none of the atoms %v", at, data, atoms)
		}
	}
	return starts
}

func hasAtom(atoms []pattern.Atom, data []byte, at int) bool {
	for _, a := range atoms {
		for d := a.Min; d <= a.Max && at+d+len(a.Bytes) <= len(data); d++ {
			if bytes.Equal(lower(data[at+d:at+d+len(a.Bytes)]), a.Bytes) {
				return true
			}
		}
	}
	return false
}

func lower(b []byte) []byte {
	out := bytes.Clone(b)
	for i := range out {
		out[i] = pattern.Fold(out[i])
	}
	return out
}

// FuzzRegex holds an expression against Go's own engine, where both read it and the data is ASCII: they match at the same
// places.
func FuzzRegex(f *testing.F) {
	for _, s := range []string{"ab+c", "a(b|cd)*e", "[a-c]{2,3}x?y", "^ab|c$", `\bab\b`, "a.{0,3}?b", "(aa|a)(ab|b)c", `[^\n]\w\W\s\d`, "a{2}{3}", "x*?yz", "(ab){2,}c", "x.{0,9}(abcd|cdea)", "c(c|cd)*(abc|ccd)d", "[bc]{1,4}(ab+c){1,2}"} {
		f.Add(s, "abcabccdcdeaabb xyzyz ababc\nab", true)
	}
	f.Add("x.{0,9}(abcd|cdea)", "x12abcd x1234cdea x123abcd", false)
	f.Fuzz(func(t *testing.T, text, data string, fold bool) {
		n, err := pattern.Regex(text, fold, false)
		if err != nil {
			var syntax *pattern.SyntaxError
			if !errors.As(err, &syntax) || syntax.At < 0 || syntax.At > len(text) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if len(data) > 300 {
			data = data[:300]
		}
		got := try(t, n, []byte(data))
		flags := ""
		if fold {
			flags = "(?i)"
		}
		theirs, err := regexp.Compile(flags + `\A(?:` + text + ")")
		if err != nil || goReadsOtherwise(text) || !ascii(data) || !ascii(data) || got == nil && empty(n) || n.Has(pattern.FileStart, pattern.Boundary, pattern.Inside) {
			return
		}
		at := 0
		for start := range len(data) {
			if theirs.MatchString(data[start:]) != (at < len(got) && got[at] == start) {
				t.Fatalf("%q at %d of %q: Go says %v, we have %v", text, start, data, theirs.MatchString(data[start:]), got)
			}
			if at < len(got) && got[at] == start {
				at++
			}
		}
	})
}

// goReadsOtherwise tells expressions that mean something else in Go: counts without a least, or with zeros before them, are
// bytes there.
func goReadsOtherwise(text string) bool {
	return !ascii(text) || regexp.MustCompile(`[{,]0[0-9]|\{,`).MatchString(text)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// empty tells patterns that are refused.
func empty(n *pattern.Node) bool {
	_, err := pattern.Compile(n)
	return err != nil
}

// FuzzHex reads anything as hexadecimal strings.
func FuzzHex(f *testing.F) {
	for _, s := range []string{"61 62", "6? ?2 ~61", "61 [2-4] 62", "( 61 | 62 63 ) 64", "61 /* x */ 62 // y\n 63", "(((61)))", "61 [4-2]", "61 [0-9999999999999999999] 61"} {
		f.Add(s, []byte("abcdabab"))
	}
	f.Fuzz(func(t *testing.T, text string, data []byte) {
		n, err := pattern.Hex(text)
		if err != nil {
			var syntax *pattern.SyntaxError
			if !errors.As(err, &syntax) || syntax.At < 0 || syntax.At > len(text) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		try(t, n, data[:min(len(data), 300)])
		try(t, n.Wide().Folded(), data[:min(len(data), 300)])
	})
}
