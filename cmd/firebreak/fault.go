package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// fault is an error that knows what the process ends with. An error that is none is the machine's.
type fault struct {
	code int
	err  error // nil: all was said already
}

func (f *fault) Error() string {
	if f.err == nil {
		return "failed"
	}
	return f.err.Error()
}

func (f *fault) Unwrap() error { return f.err }

// wrong is a mistake in a file, a playbook or a case.
func wrong(err error) error { return &fault{exitWrong, err} }

func wrongf(format string, args ...any) error { return wrong(fmt.Errorf(format, args...)) }

// unread is a file that could not be read: one that is not there is a mistake of whoever named it, and anything else is
// the machine's.
func unread(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return wrong(err)
	}
	return err
}

// usage is a mistake on the command line.
func usage(err error) error { return &fault{exitUsage, err} }

// said ends with code where everything was printed already.
func said(code int) error { return &fault{code: code} }

// report prints the error for a person and gives the exit code.
func report(to io.Writer, command string, err error) int {
	var f *fault
	if err == nil {
		return exitOK
	}
	if !errors.As(err, &f) {
		f = &fault{exitMachine, err}
	}
	if f.err != nil {
		fmt.Fprintf(to, "firebreak: %s\n", safeLines(err.Error()))
	}
	if f.code == exitUsage {
		fmt.Fprintf(to, "see `%s --help`\n", command)
	}
	return f.code
}
