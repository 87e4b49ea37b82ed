package containers

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

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
	return v.readPlain(plain, sum)
}

func (v *verifier) readPlain(plain io.Reader, sum io.Writer) (contents, error) {
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
