package containers

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// wanted is what an image's archive says of a file of a layer.
type wanted struct {
	kind     byte // as in archive/tar
	mode     int64
	uid, gid int
	size     int64
	link     string // target of a symbolic link, or path in the layer of what a hard link is
	device   string
	sum      [sha256.Size]byte
	attrs    map[string]string
	seen     bool
}

// contents is what an archive unpacks to.
type contents struct {
	files  map[string]*wanted
	above  map[string]bool // directories that the archive implies
	opaque map[string]bool
	left   int64 // bytes of files that may still be read: a sparse one has more than its archive
	names  int64 // bytes of names and attributes that may still be kept
}

func (v *verifier) entries(r io.Reader) (contents, error) {
	c := contents{files: map[string]*wanted{}, above: map[string]bool{}, opaque: map[string]bool{}, left: v.opts.MaxLayerBytes, names: maxNameBytes}
	archive := tar.NewReader(r)
	for range v.opts.MaxEntries {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return c, err
		}
		if err := c.add(h, archive); err != nil {
			return c, fmt.Errorf("%q: %w", clip(h.Name), err)
		}
	}
	return c, fmt.Errorf("more than %d entries", v.opts.MaxEntries)
}

// inLayer gives a path of an archive as a path below the layer's directory; "" for the directory itself.
func inLayer(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// add notes an entry. A later one of the same name replaces it, as unpacking does.
func (c *contents) add(h *tar.Header, content io.Reader) error {
	name := inLayer(h.Name)
	c.names -= int64(len(name) + len(h.Linkname))
	for key, value := range h.PAXRecords {
		c.names -= int64(len(key) + len(value))
	}
	if len(name) > maxPath || len(h.Linkname) > maxPath || c.names < 0 {
		return fmt.Errorf("a name of more than %d bytes, or names of more than %d", maxPath, maxNameBytes)
	}
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	switch {
	case name == "" || h.Typeflag == tar.TypeXGlobalHeader:
		return nil
	case base == opaqueWhiteout:
		c.opaque[dir] = true
		c.imply(dir)
		return nil
	case strings.HasPrefix(base, whiteout+whiteout): // of aufs, which containerd leaves out
		return nil
	case strings.HasPrefix(base, whiteout):
		c.imply(dir)
		c.files[path.Join(dir, strings.TrimPrefix(base, whiteout))] = &wanted{kind: deleted}
		return nil
	}
	w := &wanted{kind: h.Typeflag, mode: h.Mode & 0o7777, uid: h.Uid, gid: h.Gid, attrs: map[string]string{}}
	for key, value := range h.PAXRecords {
		if attr, ok := strings.CutPrefix(key, paxAttr); ok {
			w.attrs[attr] = value
		}
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		w.kind = tar.TypeReg
		sum := sha256.New()
		n, err := io.Copy(sum, io.LimitReader(content, c.left+1))
		if err != nil {
			return err
		}
		if c.left -= n; c.left < 0 {
			return errors.New("the files have more bytes than the limit of a layer")
		}
		w.size = n
		sum.Sum(w.sum[:0])
	case tar.TypeLink:
		w.kind, w.link = hardLink, inLayer(h.Linkname)
	case tar.TypeSymlink:
		w.link = h.Linkname
	case tar.TypeChar, tar.TypeBlock:
		w.device = fmt.Sprintf("%d:%d", h.Devmajor, h.Devminor)
	}
	c.imply(dir)
	c.files[name] = w
	return nil
}

// imply notes the directories above an entry, which unpacking makes where the archive does not have them.
func (c *contents) imply(dir string) {
	for ; dir != "" && dir != "." && !c.above[dir]; dir = path.Dir(dir) {
		c.above[dir] = true
	}
}
