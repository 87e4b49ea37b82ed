package timeline

import (
	"errors"
	"io"
)

// window reads small pieces one behind the other from a reader that is asked for large ones.
type window struct {
	r   io.ReaderAt
	buf []byte
	at  int64
}

const windowSize = 64 << 10

// ReadAt is that of io.ReaderAt. A window is not safe for concurrent use.
func (w *window) ReadAt(p []byte, at int64) (int, error) {
	if len(p) > windowSize/4 {
		return w.r.ReadAt(p, at)
	}
	if at < w.at || at+int64(len(p)) > w.at+int64(len(w.buf)) {
		if err := w.fill(at); err != nil {
			return 0, err
		}
	}
	n := copy(p, w.buf[at-w.at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (w *window) fill(at int64) error {
	if w.buf == nil {
		w.buf = make([]byte, windowSize)
	}
	n, err := w.r.ReadAt(w.buf[:windowSize], at)
	w.buf, w.at = w.buf[:n], at
	if n > 0 || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
