package custody

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/firebreak-ir/firebreak/custody/attest"
)

// Beside the image of a snapshot lies the index of its blocks, each with the checksum that the API gave.
const (
	imageName = "image.raw"
	indexName = "blocks.jsonl"
	maxLine   = 64 << 10 // of an index
	maxBlock  = 64 << 20
)

// indexHeader is the first line of an index.
type indexHeader struct {
	Snapshot string `json:"snapshot"`
	Size     int64  `json:"size"` // of the volume, in bytes
}

// indexLine is a line of an index: a block, or a range that was never read.
type indexLine struct {
	Offset    int64           `json:"offset"`
	Length    int64           `json:"length"`
	Checksum  []byte          `json:"checksum"`      // SHA-256, as the API gave it
	Got       string          `json:"got,omitempty"` // what came instead
	Why       string          `json:"why,omitempty"` // of a block that did not come right
	NeverRead json.RawMessage `json:"neverRead,omitempty"`
}

// hole tells a block that is not in the image.
func (l indexLine) hole() bool { return l.Got != "" || l.Why != "" }

// readIndex calls block with each block of an index, in the order of the disk, until that gives an error.
func readIndex(r io.Reader, block func(indexLine) error) (indexHeader, error) {
	var header indexHeader
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	end := int64(0)
	for n := 1; lines.Scan(); n++ {
		if n == 1 {
			if err := json.Unmarshal(lines.Bytes(), &header); err != nil {
				return header, fmt.Errorf("line 1: %w", err)
			}
			continue
		}
		var one indexLine
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return header, fmt.Errorf("line %d: %w", n, err)
		}
		if one.NeverRead != nil {
			continue
		}
		if one.Offset < end || one.Length < 1 || one.Length > maxBlock || !one.hole() && len(one.Checksum) != sha256.Size {
			return header, fmt.Errorf("line %d: it is no block that comes after the one before it", n)
		}
		end = one.Offset + one.Length
		if err := block(one); err != nil {
			return header, err
		}
	}
	if err := lines.Err(); err != nil {
		return header, err
	}
	if header.Snapshot == "" {
		return header, errors.New("it does not say of which snapshot it is")
	}
	return header, nil
}

// diskOf gives the digest of the disk that an index is about: AWS's LINEAR checksum.
func diskOf(index string, r io.Reader) (attest.Disk, error) {
	d := attest.Disk{Index: index, Image: path.Join(path.Dir(index), imageName)}
	h := sha256.New()
	header, err := readIndex(r, func(l indexLine) error {
		if len(l.Checksum) != sha256.Size {
			return fmt.Errorf("the block at %d has no checksum", l.Offset)
		}
		d.Blocks++
		h.Write(l.Checksum)
		return nil
	})
	d.Snapshot, d.Linear = header.Snapshot, hex.EncodeToString(h.Sum(nil))
	return d, err
}

// span is a range of bytes of a file, with what is wrong with it.
type span struct {
	offset, length int64
	wrong          string
}

// errFound ends the reading of an index.
var errFound = errors.New("found")

// firstWrong compares an image with the index of its blocks, and gives the first range that is not what it was; nil where
// all blocks are right, and there is nothing but zeros between them.
func firstWrong(image io.Reader, index io.Reader) (*span, error) {
	c := &comparison{image: image, buffer: make([]byte, 1<<20)}
	_, err := readIndex(index, c.block)
	if err == nil {
		err = c.zeros(1<<63 - 1)
	}
	if errors.Is(err, errFound) {
		return c.found, nil
	}
	return nil, err
}

type comparison struct {
	image  io.Reader
	at     int64
	buffer []byte
	found  *span
}

func (c *comparison) block(l indexLine) error {
	if err := c.zeros(l.Offset); err != nil {
		return err
	}
	if l.hole() {
		return c.zeros(l.Offset + l.Length)
	}
	h := sha256.New()
	n, err := io.CopyN(h, c.image, l.Length)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if sum := h.Sum(nil); n < l.Length || !bytes.Equal(sum, l.Checksum) {
		return c.is(l.Offset, l.Length, fmt.Sprintf("the block's SHA-256 is %s, the index says %s",
			base64.StdEncoding.EncodeToString(sum), base64.StdEncoding.EncodeToString(l.Checksum)))
	}
	c.at = l.Offset + l.Length
	return nil
}

// zeros reads up to an offset, or to the image's end.
func (c *comparison) zeros(until int64) error {
	for c.at < until {
		n, err := c.image.Read(c.buffer[:min(int64(len(c.buffer)), until-c.at)])
		for i, b := range c.buffer[:n] {
			if b != 0 {
				return c.is(c.at+int64(i), 1, "the snapshot holds no block here, so it must be zero")
			}
		}
		c.at += int64(n)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) is(offset, length int64, wrong string) error {
	c.found = &span{offset, length, wrong}
	return errFound
}
