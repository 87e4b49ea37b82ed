package main

import (
	"io"
	"strings"
	"unicode/utf8"
)

// screen is where bytes of the evidence go: escaped where a terminal would obey them, as they are anywhere else.
func (s system) screen() io.WriteCloser {
	if s.terminal {
		return &escaping{to: s.stdout}
	}
	return plain{s.stdout}
}

// plain leaves bytes as they are.
type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// escaping makes what is written harmless for a terminal. Lines and tabs stay.
type escaping struct {
	to   io.Writer
	rest []byte // of a character whose end has not come yet
}

// Write writes all whole characters.
func (e *escaping) Write(p []byte) (int, error) {
	text := append(e.rest, p...)
	whole := len(text) - begun(text)
	e.rest = append([]byte(nil), text[whole:]...)
	return len(p), e.put(text[:whole])
}

// Close writes what came of a character that never ended.
func (e *escaping) Close() error { return e.put(e.rest) }

func (e *escaping) put(text []byte) error {
	parts := strings.Split(string(text), "\t")
	for i := range parts {
		parts[i] = safeLines(parts[i])
	}
	_, err := io.WriteString(e.to, strings.Join(parts, "\t"))
	return err
}

// begun gives how many bytes at the end of a text are the beginning of a character.
func begun(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		last := text[len(text)-n:]
		if utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}
