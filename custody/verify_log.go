package custody

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// maxText is how long the log and the files of the seal may be: of a million files of evidence they have less.
const maxText = 512 << 20

// log reads the custody log, line by line: a line that is wrong hides none of the others.
func (v *verifier) log() {
	v.sealed = -1
	raw, err := v.folder.text(LogName)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(raw) == 0:
		v.file(LogName, "the custody log is missing or empty")
		return
	case err != nil:
		v.file(LogName, "%s", err)
		return
	}
	at, last := int64(0), (*Entry)(nil)
	for n := 1; len(raw) > 0; n++ {
		line, rest, whole := bytes.Cut(raw, []byte("\n"))
		if !whole {
			v.torn(n, at, line)
			break
		}
		p := Problem{File: LogName, Line: n, Offset: at, Length: int64(len(line)) + 1}
		e, good := v.line(p, line)
		if good {
			v.chained(p, e, last)
			v.entry(e)
			last = &e
		} else {
			last = nil
		}
		raw, at = rest, at+int64(len(line))+1
	}
	if v.sealed < 0 {
		v.file("", "the case was never sealed")
	}
}

// torn is a last line that a crash cut short: it was never acknowledged, and is cut off by who writes the next one.
func (v *verifier) torn(n int, at int64, line []byte) {
	v.wrong(Problem{File: LogName, Line: n, Offset: at, Length: int64(len(line)), Text: "the last line is cut short, as by a crash, or something was added to the log"})
}

// line reads one line. It must be letter by letter what its entry is written as: the hash covers the entry, and so not a
// field that Entry does not know, or one that is there twice.
func (v *verifier) line(p Problem, line []byte) (Entry, bool) {
	var e Entry
	if err := json.Unmarshal(line, &e); err != nil {
		p.Text = "does not read: " + err.Error()
		v.wrong(p)
		return e, false
	}
	want, err := json.Marshal(e)
	if err != nil || !bytes.Equal(line, want) {
		p.Offset, p.Length = p.Offset+differ(line, want), 0
		p.Text = "holds something that its hash does not cover"
		v.wrong(p)
	}
	return e, true
}

// chained holds an entry against its own hash and the entry before it, where that one was read.
func (v *verifier) chained(p Problem, e Entry, last *Entry) {
	prev := ""
	if last != nil {
		prev = last.Hash
	}
	switch {
	case e.Hash != e.digest():
		p.Text = "was changed after it was written"
	case e.Seq != p.Line:
		p.Text = fmt.Sprintf("the entry's number is %d", e.Seq)
	case e.Prev != prev && (last != nil || p.Line == 1):
		p.Text = "does not follow the line before it"
	case last != nil && e.Case != last.Case:
		p.Text = fmt.Sprintf("is of the case %q, and the line before it of %q", e.Case, last.Case)
	default:
		return
	}
	v.wrong(p)
}

func (v *verifier) entry(e Entry) {
	if e.Action == Sealed {
		v.sealed, v.report.Sealed = len(v.entries), e.Time
	}
	v.entries = append(v.entries, e)
	v.report.Case, v.report.Entries, v.report.Head = e.Case, len(v.entries), e.Hash
}

// differ gives the place of the first byte in which two texts are not the same.
func differ(a, b []byte) int64 {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return int64(i)
		}
	}
	return int64(n)
}
