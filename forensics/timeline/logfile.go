package timeline

import (
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/klauspost/compress/zstd"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// logFile is an open log.
type logFile struct {
	name    string
	stat    volume.Stat
	file    volume.File
	r       *bufio.Reader
	counter *counter
	inflate func() // gives a decompressor's memory back
	partly  bool   // the beginning was left out
}

func (f *logFile) close() {
	if f.inflate != nil {
		f.inflate()
	}
	_ = f.file.Close() // it was only read
}

func (f *logFile) counted() int64 { return f.counter.read }

// open opens a log and decompresses it as its name says.
func (l *logReader) open(name string, info fs.FileInfo, stat volume.Stat) (*logFile, error) {
	opened, err := l.disk.OpenFound(info)
	if err != nil {
		return nil, err
	}
	file, ok := opened.(volume.File)
	if !ok {
		return nil, errors.Join(fs.ErrInvalid, opened.Close())
	}
	log := &logFile{name: name, stat: stat, file: file}
	most := min(l.MaxFileBytes, l.MaxBytes-l.report.Bytes)
	var raw io.Reader = file
	switch path.Ext(name) {
	case ".gz":
		raw, err = gzip.NewReader(bufio.NewReader(file))
	case ".bz2":
		raw = bzip2.NewReader(bufio.NewReader(file))
	case ".zst":
		raw, err = log.zstd()
	case ".xz", ".lz4", ".lzma":
		err = fmt.Errorf("logs compressed as %s are not read", path.Ext(name)[1:])
	default:
		if skip := stat.Size - most; skip > 0 { // its end is the newest
			log.partly = true
			l.problem(name, fmt.Errorf("of its %d bytes the last %d were read", stat.Size, most))
			raw = io.NewSectionReader(file, skip, most)
		}
	}
	if err != nil {
		log.close()
		return nil, err
	}
	log.counter = &counter{ctx: l.ctx, r: raw, left: most}
	log.r = bufio.NewReaderSize(log.counter, 64<<10)
	return log, nil
}

const maxWindow = 64 << 20 // bytes that a zstd decompressor may hold

func (f *logFile) zstd() (io.Reader, error) {
	d, err := zstd.NewReader(bufio.NewReader(f.file), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxWindow), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	f.inflate = d.Close
	return d, nil
}

// counter bounds what is read, and stops when nobody waits any more.
type counter struct {
	ctx  context.Context
	r    io.Reader
	read int64
	left int64
}

func (c *counter) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	if c.left <= 0 {
		return 0, c.end()
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.read, c.left = c.read+int64(n), c.left-int64(n)
	return n, err
}

// end tells a log that ended from one that goes on.
func (c *counter) end() error {
	var one [1]byte
	if n, err := io.ReadFull(c.r, one[:]); n == 0 {
		return err
	}
	return fmt.Errorf("only its first %d bytes were read", c.read)
}

// line gives the next line without its end, at most most bytes of it, and how long it is.
func (f *logFile) line(most int, into []byte) (line []byte, length int, err error) {
	line = into[:0]
	for {
		part, err := f.r.ReadSlice('\n')
		length += len(part)
		if room := most - len(line); room > 0 {
			line = append(line, part[:min(room, len(part))]...)
		}
		switch {
		case err == nil: // the newline is none of the line
			return trimEnd(line, length-1)
		case errors.Is(err, io.EOF) && length > 0:
			return trimEnd(line, length)
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, length, err
		}
	}
}

func trimEnd(line []byte, length int) ([]byte, int, error) {
	line = line[:min(len(line), length)]
	if n := len(line); n == length && n > 0 && line[n-1] == '\r' {
		return line[:n-1], n - 1, nil
	}
	return line, length, nil
}

// eachLine hands every line of a log to do, cut where it is longer than most. The first line of a log whose beginning was
// left out is none.
func (f *logFile) eachLine(most int, do func(line string, length int) error) error {
	buf := make([]byte, 0, 4<<10)
	for first := f.partly; ; first = false {
		line, length, err := f.line(most, buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if first {
			continue
		}
		if err := do(string(line), length); err != nil {
			return err
		}
	}
}
