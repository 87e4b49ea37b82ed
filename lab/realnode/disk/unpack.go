package disk

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"sort"
	"strings"
	"time"
)

// unpacking unpacks a tree below a directory of root. It needs no privileges: what they would be needed for is not
// made, but left to the edits.
type unpacking struct {
	root  *os.Root
	under string
	edits *script
}

func (u unpacking) all(archive []byte) error {
	if len(archive) == 0 {
		return nil
	}
	compressed, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return fmt.Errorf("unpack %q: %w", u.under, err)
	}
	var directories []*tar.Header
	for in := tar.NewReader(compressed); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return u.stamp(directories)
		}
		if err != nil {
			return fmt.Errorf("unpack %q: %w", u.under, err)
		}
		header.Name = path.Join(u.under, header.Name)
		if err := u.one(header, in); err != nil {
			return fmt.Errorf("unpack %q: %w", header.Name, err)
		}
		if header.Typeflag == tar.TypeDir {
			directories = append(directories, header)
		}
	}
}

func (u unpacking) one(header *tar.Header, body io.Reader) error {
	if err := u.root.MkdirAll(path.Dir(header.Name), 0o755); err != nil {
		return err
	}
	var err error
	switch header.Typeflag {
	case tar.TypeDir:
		err = u.root.MkdirAll(header.Name, 0o755)
	case tar.TypeReg:
		err = u.file(header, body)
	case tar.TypeSymlink:
		err = u.root.Symlink(header.Linkname, header.Name)
	case tar.TypeLink:
		return u.root.Link(path.Join(u.under, header.Linkname), header.Name)
	case tar.TypeChar:
		u.edits.device(header.Name, "c", header.Devmajor, header.Devminor)
	default:
		err = fmt.Errorf("type %q is not expected in a node's tree", header.Typeflag)
	}
	return errors.Join(err, u.special(header))
}

func (u unpacking) file(header *tar.Header, body io.Reader) error {
	file, err := u.root.OpenFile(header.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, body)
	return errors.Join(err, file.Close(), u.root.Chtimes(header.Name, time.Time{}, header.ModTime))
}

// special leaves to the edits what needs privileges (owner, attributes), and the modes that would lock us out.
func (u unpacking) special(header *tar.Header) error {
	kinds := map[byte]int64{tar.TypeDir: 0o040000, tar.TypeReg: 0o100000, tar.TypeSymlink: 0o120000, tar.TypeChar: 0o020000}
	u.edits.mode(header.Name, kinds[header.Typeflag], header.Mode)
	u.edits.own(header.Name, header.Uid, header.Gid)
	const prefix = "SCHILY.xattr."
	var keys []string
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	for _, key := range keys {
		if err := u.edits.attribute(header.Name, key[len(prefix):], header.PAXRecords[key]); err != nil {
			return err
		}
	}
	return nil
}

// stamp gives the directories their times when nothing is written into them any more.
func (u unpacking) stamp(directories []*tar.Header) error {
	var failed []error
	for _, header := range slices.Backward(directories) {
		failed = append(failed, u.root.Chtimes(header.Name, time.Time{}, header.ModTime))
	}
	return errors.Join(failed...)
}
