package main

import (
	"strings"
	"testing"
)

// TestScreenEscapes writes an attacker's bytes to a terminal, one by one and at once.
func TestScreenEscapes(t *testing.T) {
	const text = "a\tb\n€ \x1b[2Jgone\r\n\xff\xe2\x82"
	const want = "a\tb\n€ \\x1b[2Jgone\\r\n\\xff\\xe2\\x82"
	for _, size := range []int{1, 2, 3, len(text)} {
		var out strings.Builder
		screen := system{stdout: &out, terminal: true}.screen()
		for at := 0; at < len(text); at += size {
			if _, err := screen.Write([]byte(text[at:min(at+size, len(text))])); err != nil {
				t.Fatal(err)
			}
		}
		if err := screen.Close(); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("in pieces of %d: %q, want %q", size, out.String(), want)
		}
	}
	var out strings.Builder
	if _, err := (system{stdout: &out}).screen().Write([]byte(text)); err != nil || out.String() != text {
		t.Errorf("into a file: %q, %v", out.String(), err)
	}
}
