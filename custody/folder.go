package custody

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// folder reads a case directory that somebody else may have made: it opens regular files alone, follows no link out of
// the directory, and waits for no pipe.
type folder struct{ root *os.Root }

// errIrregular is returned for what is no regular file.
var errIrregular = errors.New("is no regular file")

// open opens a regular file, and gives its size.
func (f folder) open(name string) (*os.File, int64, error) {
	info, err := f.root.Lstat(name)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%w, but %s", errIrregular, kindOf(info.Mode()))
	}
	file, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, 0, err
	}
	if info, err = file.Stat(); err != nil || !info.Mode().IsRegular() { // exchanged since
		return nil, 0, errors.Join(errIrregular, err, file.Close())
	}
	return file, info.Size(), nil
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// text reads one of custody's own files.
func (f folder) text(name string) ([]byte, error) {
	file, size, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if size > maxText {
		return nil, fmt.Errorf("has %d bytes; %d at most are read", size, maxText)
	}
	return io.ReadAll(io.LimitReader(file, maxText))
}

// walk calls visit with the path of everything that is no directory.
func (f folder) walk(visit func(name string, d fs.DirEntry)) error {
	return fs.WalkDir(f.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() {
			visit(name, d)
		}
		return nil
	})
}
