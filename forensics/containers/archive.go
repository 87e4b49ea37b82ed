package containers

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
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

const (
	whiteout       = ".wh."
	opaqueWhiteout = ".wh..wh..opq"
	hardLink       = 'h' // of wanted; other kinds are those of archive/tar
	deleted        = 'w'
	paxAttr        = "SCHILY.xattr."
	copyStep       = 1 << 20
	maxPath        = 4096      // bytes, as in the kernel
	maxNameBytes   = 256 << 20 // of one layer
	maxWindow      = 128 << 20 // of zstd: memory that a blob can ask for
)

// layer reads a layer's blob once: for its own digest, for that of the archive in it, and for what the archive says of
// files, which is compared with the layer's directory.
func (v *verifier) layer(c *Check, digest, diffID string) {
	name, err := v.blobPath(digest)
	if err != nil {
		c.unverified("%v", err)
		return
	}
	blob, err := v.openRegular(name)
	if errors.Is(err, fs.ErrNotExist) {
		c.unverified("the image's archive is not in the store, as when containerd discards what it unpacked")
		return
	}
	if err != nil {
		c.unverified("%v", err)
		return
	}
	defer func() { _ = blob.Close() }()
	raw, unpacked := sha256.New(), sha256.New()
	found, err := v.readArchive(io.TeeReader(blob, raw), unpacked)
	if _, drain := io.Copy(raw, &patient{v.lister, blob}); drain != nil {
		c.unverified("read blob: %v", drain)
		return
	}
	if got := digestOf(raw); got != digest {
		c.differ(Difference{Path: name, What: "changed", Field: "sha256", Want: digest, Got: got})
	}
	if err != nil {
		c.unverified("unpack blob: %v", err)
		return
	}
	if got := digestOf(unpacked); got != diffID {
		c.differ(Difference{Path: name, What: "changed", Field: "diffID", Want: diffID, Got: got})
	}
	if c.Layer != "" {
		v.compare(c, found)
	}
}

func digestOf(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }

func (l *lister) openRegular(name string) (fs.File, error) {
	info, err := l.disk.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is %s, no file", name, info.Mode().Type())
	}
	return l.disk.OpenFound(info)
}

// patient stops reading when nobody waits any more.
type patient struct {
	*lister
	r io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}

// readArchive reads a blob to its end and gives what it unpacks to. sum takes the archive's bytes.
func (v *verifier) readArchive(blob io.Reader, sum io.Writer) (contents, error) {
	plain, done, err := decompress(&patient{v.lister, blob})
	if err != nil {
		return contents{}, err
	}
	defer done()
	limited := &io.LimitedReader{R: plain, N: v.opts.MaxLayerBytes + 1}
	archive := bufio.NewReaderSize(io.TeeReader(limited, sum), copyStep)
	found, err := v.entries(archive)
	if err == nil {
		_, err = io.Copy(io.Discard, archive) // what pads the archive counts for its digest
	}
	if limited.N <= 0 {
		return found, fmt.Errorf("it unpacks to more than %d bytes", v.opts.MaxLayerBytes)
	}
	return found, err
}

// decompress tells gzip, zstd and plain archives by how they begin.
func decompress(r io.Reader) (plain io.Reader, done func(), err error) {
	b := bufio.NewReaderSize(r, copyStep)
	head, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1F, 0x8B}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, err
		}
		return z, func() { _ = z.Close() }, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xB5, 0x2F, 0xFD}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return b, func() {}, nil
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
