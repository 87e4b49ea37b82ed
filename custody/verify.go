package custody

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// Options are what Verify can be told. With their zero value it checks what can be checked without keys.
type Options struct {
	Keys  []ed25519.PublicKey // one of them must have signed the statement; none: the signature is not checked
	Roots *x509.CertPool      // of the TSA, which must have stamped it; nil: that it did is not checked
	// Progress is called while files are read, with the bytes of evidence read so far and those to read.
	Progress func(file string, done, total int64)
}

// Problem is something that is wrong with a case, and where.
type Problem struct {
	File   string `json:"file,omitempty"`   // path inside the case; empty: the case as a whole
	Line   int    `json:"line,omitempty"`   // counted from 1; 0: not known
	Offset int64  `json:"offset"`           // of the first byte that is wrong; -1: not known
	Length int64  `json:"length,omitempty"` // bytes from there, of which at least one is wrong; 0: that one is
	Text   string `json:"text"`
}

// Error gives place and reason in one line.
func (p Problem) Error() string {
	place := ""
	if p.File != "" {
		place = fmt.Sprintf("%q", p.File)
	}
	if p.Line > 0 {
		place += fmt.Sprintf(", line %d", p.Line)
	}
	switch {
	case p.Offset >= 0 && p.Length > 1:
		place += fmt.Sprintf(", bytes %d to %d", p.Offset, p.Offset+p.Length-1)
	case p.Offset >= 0:
		place += fmt.Sprintf(", byte %d", p.Offset)
	}
	if place == "" {
		return p.Text
	}
	return place + ": " + p.Text
}

// Report is what Verify found.
type Report struct {
	Case     string    `json:"case"`
	Files    int       `json:"files"` // of evidence
	Bytes    int64     `json:"bytes"`
	Entries  int       `json:"entries"`           // of the custody log
	Head     string    `json:"head"`              // hash of its last one
	Sealed   time.Time `json:"sealed,omitzero"`   // as the log says
	SignedBy []string  `json:"signedBy"`          // ids of the keys given whose signatures hold
	Stamped  time.Time `json:"stamped,omitzero"`  // what a TSA vouches for that leads to the roots given
	Problems []Problem `json:"problems"`          // all that is wrong
	Notices  []string  `json:"notices,omitempty"` // what is not wrong, and is not proven either
}

// Err joins the problems; nil where there are none.
func (r Report) Err() error {
	errs := make([]error, len(r.Problems))
	for i, p := range r.Problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// Verify checks a case directory with nothing but itself and public keys: the log's chain, every file against log and
// manifests, the statement with its signature and timestamp, and that there is nothing else. It changes nothing, follows no
// link and opens nothing but files. The report has all that is wrong; the error is a directory that cannot be read.
func Verify(ctx context.Context, dir string, options Options) (Report, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Report{}, fmt.Errorf("open the case directory: %w", err)
	}
	defer root.Close() //nolint:errcheck // it was only read
	v := &verifier{
		Options: options, folder: folder{root}, report: Report{SignedBy: []string{}, Problems: []Problem{}},
		known: map[string]bool{LogName: true, lockName: true}, said: map[[2]string]int{},
	}
	if err := v.all(ctx); err != nil {
		return Report{}, err
	}
	return v.report, nil
}

// Verify is the function Verify, without keys. It returns all that is wrong, joined.
func (c *Case) Verify(ctx context.Context) error {
	r, err := Verify(ctx, c.dir, Options{})
	return errors.Join(err, r.Err())
}

// verifier checks one case.
type verifier struct {
	Options
	folder folder
	report Report

	entries []Entry
	sealed  int // index of the last seal in entries; -1: none
	known   map[string]bool
	wanted  []wanted // files that are read and compared
	said    map[[2]string]int
}

func (v *verifier) all(ctx context.Context) error {
	v.log()
	v.seal()
	v.evidence()
	if err := v.read(ctx); err != nil {
		return err
	}
	return v.unknown()
}

func (v *verifier) wrong(p Problem) { v.report.Problems = append(v.report.Problems, p) }

// file is a problem of a file whose place in it is not known.
func (v *verifier) file(name, format string, args ...any) {
	v.wrong(Problem{File: name, Offset: -1, Text: fmt.Sprintf(format, args...)})
}

func (v *verifier) notice(format string, args ...any) {
	v.report.Notices = append(v.report.Notices, fmt.Sprintf(format, args...))
}

// before gives the part of the log that the seal is about; all of it where nothing was sealed.
func (v *verifier) before() []Entry {
	if v.sealed < 0 {
		return v.entries
	}
	return v.entries[:v.sealed]
}

// evidence lists what the log says that there is.
func (v *verifier) evidence() {
	for i, e := range v.entries {
		if e.Action != Added {
			continue
		}
		v.report.Files++
		v.report.Bytes += e.Item.Size
		v.want(e.Item.Path, "the custody log", e.Item.SHA256, e.Item.Size)
		if v.sealed >= 0 && i > v.sealed {
			v.file(e.Item.Path, "was added after the last seal, which knows nothing of it")
		}
	}
	slices.SortStableFunc(v.wanted, func(a, b wanted) int { return strings.Compare(a.path, b.path) })
}
