package forensics

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

const maxLines = 4 << 30 // bytes of last-writes.jsonl

var errFull = fmt.Errorf("the list has reached its %d bytes", int64(maxLines))

// lines is a list of changes while it is made. The same image gives the same lines: those that an attempt before wrote
// are kept and not made again.
type lines struct {
	file *os.File
	to   *bufio.Writer
	size int64
	kept int // lines of an attempt before
	made int // lines so far, those among them
	full bool
}

// openLines opens or makes the list, and cuts off what an attempt before did not write whole.
func openLines(name string) (*lines, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the list of changes: %w", err)
	}
	l := &lines{file: file}
	if err := l.resume(); err != nil {
		return nil, errors.Join(fmt.Errorf("go on with the list of changes: %w", err), file.Close())
	}
	l.to = bufio.NewWriterSize(file, 64<<10)
	return l, nil
}

func (l *lines) resume() error {
	r := bufio.NewReader(l.file)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if err != nil || !json.Valid(line) {
			break
		}
		l.size, l.kept = l.size+int64(len(line)), l.kept+1
	}
	_, err := l.file.Seek(l.size, io.SeekStart)
	return errors.Join(l.file.Truncate(l.size), err)
}

// resumed tells that an attempt before has written the next line.
func (l *lines) resumed() bool { return l.made < l.kept }

// add writes one line. When the list is full, one more line fits in, that says so.
func (l *lines) add(ch change) error {
	if l.resumed() {
		l.made++
		return nil
	}
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	if err := e.Encode(ch); err != nil {
		return fmt.Errorf("encode the change of /%s: %w", ch.Path, err)
	}
	most := int64(maxLines)
	if l.full {
		most += 64 << 10
	}
	if l.size+int64(line.Len()) > most {
		l.full = true
		return errFull
	}
	l.made, l.size = l.made+1, l.size+int64(line.Len())
	_, err := l.to.Write(line.Bytes())
	return err
}

func (l *lines) close() error { return errors.Join(l.to.Flush(), l.file.Close()) }
