package main

import (
	"io"
	"os"
	"os/user"
	"time"

	"golang.org/x/term"
)

// system is what a command may touch of the machine.
type system struct {
	stdin    io.Reader
	stdout   io.Writer
	stderr   io.Writer
	env      func(string) (string, bool)
	now      func() time.Time
	terminal bool // stdout is a terminal
	watched  bool // stderr is one
	width    int  // of that terminal
	version  string
	person   string // who runs the command, for the record of decisions
}

func realSystem(version string) system {
	s := system{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		env: os.LookupEnv, now: time.Now, width: 100, version: version, person: person(),
	}
	fd := int(os.Stdout.Fd())
	s.terminal, s.watched = term.IsTerminal(fd), term.IsTerminal(int(os.Stderr.Fd()))
	if width, _, err := term.GetSize(fd); err == nil && width > 0 {
		s.width = width
	}
	return s
}

// person names the account of the process. Temporal authenticates the connection; this says who sat before it.
func person() string {
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

// colours tells whether to colour: only on a terminal that can, and never with NO_COLOR (no-color.org).
func (s system) colours() bool {
	no, set := s.env("NO_COLOR")
	kind, _ := s.env("TERM")
	return s.terminal && (!set || no == "") && kind != "dumb"
}
