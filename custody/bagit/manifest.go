package bagit

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
)

// File is one line of a manifest.
type File struct {
	Path   string // slash-separated, from the bag's folder
	SHA256 string // in lower-case hex
}

// Write gives the text of a manifest, in the order of the files. Its lines are also what sha256sum reads, which knows
// nothing of percent signs that stand for something else: a path must hold none, and no line break.
func Write(files []File) []byte {
	var b bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&b, "%s  %s\n", f.SHA256, f.Path)
	}
	return b.Bytes()
}

// LineError is a line of a manifest that cannot be read.
type LineError struct {
	Line   int   // counted from 1
	Offset int64 // of the first byte that is wrong, in the text
	Why    string
}

// Error gives the place and the reason.
func (e *LineError) Error() string {
	return fmt.Sprintf("line %d, byte %d: %s", e.Line, e.Offset, e.Why)
}

const hexDigits = 64 // of a SHA-256

// Parse reads a manifest. It stops at the first line that is not of the form that Write gives, with a *LineError.
func Parse(raw []byte) ([]File, error) {
	var files []File
	seen := map[string]int{}
	for line, at := 1, int64(0); len(raw) > 0; line++ {
		text, rest, whole := bytes.Cut(raw, []byte("\n"))
		f, wrong, why := parseLine(string(text))
		if why == "" && !whole {
			wrong, why = len(text), "the line does not end"
		}
		if first, twice := seen[f.Path]; why == "" && twice {
			wrong, why = hexDigits+2, fmt.Sprintf("%q stands in line %d already", f.Path, first)
		}
		if why != "" {
			return files, &LineError{Line: line, Offset: at + int64(wrong), Why: why}
		}
		seen[f.Path] = line
		files, raw, at = append(files, f), rest, at+int64(len(text))+1
	}
	return files, nil
}

// parseLine gives the file, or the place of what is wrong and why.
func parseLine(text string) (f File, wrong int, why string) {
	for i := range hexDigits {
		if i >= len(text) || !strings.ContainsRune("0123456789abcdef", rune(text[i])) {
			return f, min(i, len(text)), "a SHA-256 of 64 hexadecimal digits is wanted"
		}
	}
	rest, spaced := strings.CutPrefix(text[hexDigits:], "  ")
	switch {
	case !spaced:
		return f, hexDigits, "two spaces are wanted after the SHA-256"
	case !fs.ValidPath(rest) || rest == "." || strings.ContainsAny(rest, "\r\\"):
		return f, hexDigits + 2, fmt.Sprintf("%.80q is no plain path inside the bag", rest)
	}
	return File{Path: rest, SHA256: text[:hexDigits]}, 0, ""
}
