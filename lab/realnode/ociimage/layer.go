package ociimage

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"time"
)

// Layer is an ordered list of what one layer adds.
type Layer []Entry

// Entry is one file, directory (Mode has fs.ModeDir) or symbolic link (Link is set) of a layer.
type Entry struct {
	Path string
	Mode fs.FileMode
	Body []byte
	Link string
}

func (l Layer) tar(modified time.Time) ([]byte, error) {
	var buffer bytes.Buffer
	out := tar.NewWriter(&buffer)
	for _, entry := range l {
		if err := out.WriteHeader(entry.header(modified)); err != nil {
			return nil, err
		}
		if _, err := out.Write(entry.Body); err != nil {
			return nil, err
		}
	}
	err := out.Close()
	return buffer.Bytes(), err
}

func (e Entry) header(modified time.Time) *tar.Header {
	header := &tar.Header{Name: e.Path, Mode: int64(e.Mode.Perm()), ModTime: modified, Typeflag: tar.TypeReg, Size: int64(len(e.Body))}
	if e.Mode&fs.ModeSticky != 0 {
		header.Mode |= 0o1000
	}
	switch {
	case e.Link != "":
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, e.Link, 0o777
	case e.Mode.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, e.Path+"/"
	}
	return header
}
