package containers

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"io/fs"
	"path"

	"github.com/klauspost/compress/gzip"
)

// dockerImages lists the images of a Docker store by their names, and those without a name by their digests.
func (v *verifier) dockerImages() {
	dir := path.Join(v.root.Path, "image/overlay2")
	names := map[string]string{} // of digests
	var repositories struct {
		Repositories map[string]map[string]string
	}
	name := path.Join(dir, "repositories.json")
	raw, err := v.small(name)
	if err == nil {
		err = json.Unmarshal(raw, &repositories)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		v.problem(name, err)
	}
	for _, repository := range sortedKeys(repositories.Repositories) {
		for _, tag := range sortedKeys(repositories.Repositories[repository]) {
			if digest := repositories.Repositories[repository][tag]; names[digest] == "" {
				names[digest] = clip(tag)
			}
		}
	}
	for _, e := range v.list(path.Join(dir, "imagedb/content/sha256")) {
		if len(v.images) == maxImages {
			v.problem(dir, fmt.Errorf("more than %d images; not all were verified", maxImages))
			break
		}
		digest := "sha256:" + e.Name()
		image := storedImage{name: names[digest], digest: digest}
		if image.name == "" {
			image.name = clip(digest)
		}
		v.images = append(v.images, image)
	}
	v.byName()
}

// dockerImage verifies an image's configuration and its layers.
func (v *verifier) dockerImage(image storedImage) {
	sum, err := hexDigits(image.digest)
	dir := path.Join(v.root.Path, "image/overlay2")
	raw := v.documentAt(image, "config", image.digest, path.Join(dir, "imagedb/content/sha256", sum), err)
	var config imageConfig
	if err := json.Unmarshal(raw, &config); err != nil {
		if raw != nil {
			v.problem(dir, fmt.Errorf("configuration of image %q: %w", image.name, err))
		}
		return
	}
	chain := ""
	for i, id := range config.RootFS.DiffIDs {
		if i == maxChain {
			v.problem(dir, fmt.Errorf("image %q has more than %d layers", image.name, maxChain))
			return
		}
		chain = chainID(chain, id)
		if !v.checked[chain] {
			v.checked[chain] = true
			v.dockerLayer(image, dir, chain, id)
		}
	}
}

// dockerLayer verifies one layer against what Docker noted when it unpacked it.
func (v *verifier) dockerLayer(image storedImage, dir, chain, diffID string) {
	c := Check{Image: image.name, Kind: "layer", Digest: clip(diffID), DiffID: clip(diffID), State: Intact}
	sum, err := hexDigits(chain)
	noted := path.Join(dir, "layerdb/sha256", sum)
	var cache string
	if err == nil {
		cache, err = v.word(path.Join(noted, "cache-id"))
	}
	if err != nil {
		c.unverified("%v", err)
		v.checks = append(v.checks, c)
		return
	}
	c.Layer = path.Join(v.root.Path, "overlay2", cache, "diff")
	if v.opts.Only != nil && !v.opts.Only[c.Layer] {
		return
	}
	v.rebuilt(&c, path.Join(noted, "tar-split.json.gz"), diffID)
	v.checks = append(v.checks, c)
}

// rebuilt puts a layer's archive together again, and compares its digest and what it says of the files.
func (v *verifier) rebuilt(c *Check, name, diffID string) {
	f, err := v.openRegular(name)
	if err != nil {
		c.unverified("%v", err)
		return
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(bufio.NewReader(&patient{v.lister, f}))
	if err != nil {
		c.unverified("%s: %v", name, err)
		return
	}
	defer func() { _ = z.Close() }()
	sum := sha256.New()
	archive := &splitReader{v: v, check: c, notes: bufio.NewScanner(z)}
	archive.notes.Buffer(nil, maxNote)
	found, err := v.readPlain(archive, sum)
	if err != nil {
		c.unverified("%s: %v", name, err)
		return
	}
	if got := digestOf(sum); got != diffID {
		c.differ(Difference{Path: c.Layer, What: "changed", Field: "diffID", Want: diffID, Got: got})
	}
	v.compare(c, found)
}

const maxNote = 16 << 20 // bytes of one line of what Docker noted of a layer

// splitNote is a line of tar-split.json.gz: bytes of the archive as they were, or a file whose bytes are the layer's, with
// their CRC-64.
type splitNote struct {
	Type    int    `json:"type"`
	Name    string `json:"name"`
	NameRaw []byte `json:"name_raw"` // where the name is no UTF-8
	Size    int64  `json:"size"`
	Payload []byte `json:"payload"`
}

const (
	noteFile    = 1
	noteSegment = 2
)

// splitReader reads the archive that the notes and the layer's files give. Of a file that is missing or shorter than it
// was, zeros take the place, so that the rest can still be told apart.
type splitReader struct {
	v     *verifier
	check *Check
	notes *bufio.Scanner
	part  io.Reader
	end   func()
}

func (s *splitReader) Read(b []byte) (int, error) {
	for {
		if s.part == nil {
			if err := s.next(); err != nil {
				return 0, err
			}
		}
		n, err := s.part.Read(b)
		if errors.Is(err, io.EOF) {
			s.part, err = nil, nil
			s.end()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (s *splitReader) next() error {
	var n splitNote
	if !s.notes.Scan() {
		return cmp.Or(s.notes.Err(), io.EOF)
	}
	if err := json.Unmarshal(s.notes.Bytes(), &n); err != nil {
		return fmt.Errorf("note: %w", err)
	}
	s.end = func() {}
	switch {
	case n.Type == noteSegment:
		s.part = bytes.NewReader(n.Payload)
		return nil
	case n.Type != noteFile || n.Size < 0:
		return fmt.Errorf("note of type %d, %d bytes", n.Type, n.Size)
	}
	name := n.Name
	if len(n.NameRaw) > 0 {
		name = string(n.NameRaw)
	}
	if name = inLayer(name); n.Size == 0 || name == "" {
		s.part = bytes.NewReader(nil)
		return nil
	}
	return s.file(name, n)
}

// file gives the bytes of a file of the layer, as many as the archive had.
func (s *splitReader) file(name string, n splitNote) error {
	var content io.Reader = bytes.NewReader(nil)
	closer := func() {}
	if f, err := s.v.openRegular(path.Join(s.check.Layer, name)); err == nil {
		content, closer = f, func() { _ = f.Close() }
	} // that it is missing or no file is told when the directory is compared
	sum := crc64.New(crc64.MakeTable(crc64.ISO))
	s.part = io.LimitReader(io.MultiReader(io.TeeReader(io.LimitReader(content, n.Size), sum), zeros{}), n.Size)
	s.end = func() {
		closer()
		if got := sum.Sum(nil); !bytes.Equal(got, n.Payload) {
			s.check.differ(Difference{Path: name, What: "changed", Field: "crc64", Want: fmt.Sprintf("%x", n.Payload), Got: fmt.Sprintf("%x", got)})
		}
	}
	return nil
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
