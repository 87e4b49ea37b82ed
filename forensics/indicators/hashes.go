package indicators

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Limits of a list.
const (
	maxListBytes = 1 << 30
	maxLine      = 64 << 10
	maxEntries   = 20_000_000
	maxProblems  = 1000
)

// Problem is a line of a list that was not understood, and so is not looked for.
type Problem struct {
	File string
	Line int // from one, as an editor counts them; zero where it is the whole file
	Why  string
}

func (p Problem) Error() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Why) }

// Place says where an indicator comes from.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// Hashes are the hashes of files that are looked for. Those of every length are told apart by it: 64 digits are SHA-256,
// 40 are SHA-1, 32 are MD5.
type Hashes struct {
	sha256 map[[32]byte]Place
	sha1   map[[20]byte]Place
	md5    map[[16]byte]Place
}

// Len is how many hashes are looked for.
func (h *Hashes) Len() int {
	if h == nil {
		return 0
	}
	return len(h.sha256) + len(h.sha1) + len(h.md5)
}

// hashFile reads one list.
type hashFile struct {
	into     *Hashes
	name     string
	problems []Problem
	more     int
}

// ReadHashes reads a list and adds it. Its lines are those that sha256sum, sha1sum and md5sum write, in both of their
// formats, or hashes alone; what follows a number sign at the start of a line is a comment. A list whose first line is a
// header with commas is CSV, and has a column called sha256, sha1, md5 or hash. Lines that are none of this are listed
// with their numbers, the first thousand of them; an error is a list that could not be read to its end.
func (h *Hashes) ReadHashes(name string, r io.Reader) ([]Problem, error) {
	if h.sha256 == nil {
		h.sha256, h.sha1, h.md5 = map[[32]byte]Place{}, map[[20]byte]Place{}, map[[16]byte]Place{}
	}
	f := &hashFile{into: h, name: name}
	in := bufio.NewReaderSize(&atMost{r: r, left: maxListBytes, name: name}, maxLine)
	err := f.read(in)
	if f.more > 0 {
		f.problems = append(f.problems, Problem{name, 0, fmt.Sprintf("%d more lines were not understood", f.more)})
	}
	if err != nil {
		return f.problems, fmt.Errorf("read hashes: %w", err)
	}
	return f.problems, nil
}

func (f *hashFile) problem(line int, format string, args ...any) {
	if len(f.problems) == maxProblems {
		f.more++
		return
	}
	f.problems = append(f.problems, Problem{f.name, line, fmt.Sprintf(format, args...)})
}

func (f *hashFile) read(in *bufio.Reader) error {
	start, err := in.Peek(3)
	if err == nil && bytes.Equal(start, []byte("\xef\xbb\xbf")) { // what some editors begin a file with
		_, _ = in.Discard(3)
	}
	for line := 1; ; line++ {
		text, err := readLine(in)
		if err != nil && !errors.Is(err, errLongLine) {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		text = strings.TrimSpace(text)
		switch {
		case err != nil:
			f.problem(line, "the line has more than %d bytes", maxLine)
		case text == "" || text[0] == '#':
		case strings.Contains(text, ",") && columnsOf(strings.Split(text, ",")) != nil:
			return f.readCSV(in, line, text)
		default:
			f.line(line, text)
		}
		if f.into.Len() > maxEntries {
			return fmt.Errorf("%s:%d: more than %d hashes", f.name, line, maxEntries)
		}
	}
}

var errLongLine = errors.New("the line is too long")

// readLine reads a line, and to the end of one that is too long.
func readLine(in *bufio.Reader) (string, error) {
	text, more, err := in.ReadLine()
	if !more {
		return string(text), err
	}
	for more && err == nil {
		_, more, err = in.ReadLine()
	}
	return "", errors.Join(errLongLine, err)
}

// line reads a line of a checksum program, or a hash alone.
func (f *hashFile) line(line int, text string) {
	digits, _, _ := strings.Cut(strings.TrimPrefix(text, `\`), " ") // a name with odd bytes is marked with a backslash
	if algorithm, rest, ok := strings.Cut(text, " ("); ok && slices.Contains([]string{"SHA256", "SHA1", "MD5"}, algorithm) {
		if i := strings.LastIndex(rest, ") = "); i >= 0 {
			digits = rest[i+4:]
		}
	}
	digits, _, _ = strings.Cut(digits, "\t")
	f.hash(line, digits)
}

// hash adds a hash by its length.
func (f *hashFile) hash(line int, digits string) {
	raw, err := hex.DecodeString(digits)
	place := Place{f.name, line}
	switch {
	case err != nil:
		f.problem(line, "%.80q is no hash in hexadecimal digits", digits)
	case len(raw) == 32:
		f.into.sha256[[32]byte(raw)] = place
	case len(raw) == 20:
		f.into.sha1[[20]byte(raw)] = place
	case len(raw) == 16:
		f.into.md5[[16]byte(raw)] = place
	default:
		f.problem(line, "a hash has 64 (SHA-256), 40 (SHA-1) or 32 (MD5) digits, not %d", len(digits))
	}
}

// atMost fails where a list is larger than its limit.
type atMost struct {
	r    io.Reader
	left int64
	name string
}

func (a *atMost) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, fmt.Errorf("%s has more than %d bytes", a.name, int64(maxListBytes))
	}
	n, err := a.r.Read(p[:min(int64(len(p)), a.left)])
	a.left -= int64(n)
	return n, err
}
