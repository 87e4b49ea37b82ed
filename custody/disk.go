package custody

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// disk is what custody does to the file system on the way from a whole file to a piece of evidence. A call that is
// killed between any two of these is finished by the next one; the tests put a disk in its place that dies.
type disk interface {
	write(name string, content []byte) error    // a small file, in one go
	appendTo(name string, content []byte) error // on the disk when it returns
	sync(name string) error
	rename(from, to string) error
	remove(name string) error // what is not there is removed already
}

// local is the file system of this machine.
type local struct{}

func (local) write(name string, content []byte) error { return os.WriteFile(name, content, 0o600) }

func (local) appendTo(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

func (local) sync(name string) error {
	f, err := os.Open(name) // a directory too; Linux syncs what is open for reading
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (local) rename(from, to string) error { return os.Rename(from, to) }

func (local) remove(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncUp makes a name durable: its directory, and those above it up to root, of which any may be new.
func syncUp(d disk, root, dir string) error {
	for {
		if err := d.sync(dir); err != nil || dir == root || len(dir) <= len(root) {
			return err
		}
		dir = filepath.Dir(dir)
	}
}
