package indicators

import (
	"context"
	"crypto/md5"  //nolint:gosec // lists of indicators hold MD5
	"crypto/sha1" //nolint:gosec // and SHA-1
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/firebreak-ir/firebreak/forensics/indicators/yara"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// file searches one entry.
func (c *scan) file(j *job) (hits []Hit, read int64) {
	h := Hit{Path: c.opts.Name(j.path)}
	if j.wrong != nil {
		h.Kind, h.Problem = Unread, j.wrong.Error()
		return []Hit{h}, 0
	}
	h.Size = j.info.Size()
	if place, text, ok := c.set.Paths.Find(h.Path); ok {
		found := h
		found.Kind, found.Indicator, found.From = ByPath, text, &place
		hits = append(hits, found)
	}
	if !j.info.Mode().IsRegular() || c.set.Hashes.Len() == 0 && c.set.Rules.Len() == 0 {
		return hits, 0
	}
	h.Kind = Unread
	switch {
	case h.Size > c.opts.MaxFileBytes:
		h.Problem = fmt.Sprintf("%d bytes are more than the limit of %d for one file", h.Size, c.opts.MaxFileBytes)
	case j.limit:
		h.Problem = fmt.Sprintf("the limit of %d bytes for all files is used up", c.opts.MaxBytes)
	default:
		return c.content(j, h, hits)
	}
	return append(hits, h), 0
}

// content reads a file once, for all that is looked for.
func (c *scan) content(j *job, h Hit, hits []Hit) ([]Hit, int64) {
	unread := func(err error) []Hit {
		h.Kind, h.Problem = Unread, err.Error()
		return append(hits, h)
	}
	f, err := c.tree.OpenFound(j.info)
	if err != nil {
		return unread(err), 0
	}
	defer func() { _ = f.Close() }()
	file, ok := f.(volume.File)
	if !ok {
		return unread(fmt.Errorf("%T is no regular file", f)), 0
	}
	sums := c.set.Hashes.digests()
	out := sums.writers()
	var stream *yara.Stream
	if c.set.Rules.Len() > 0 {
		stream = c.set.Rules.Begin(h.Size, c.opts.YARA)
		out = append(out, stream)
	}
	n, err := io.CopyBuffer(io.MultiWriter(out...), untilDone{c.ctx, io.NewSectionReader(file, 0, h.Size)}, make([]byte, 256<<10))
	if err == nil && n < h.Size {
		err = fmt.Errorf("at byte %d: %w", n, io.ErrUnexpectedEOF)
	}
	if err != nil {
		return unread(err), n
	}
	h.SHA256 = sums.sum256()
	hits = c.byHash(h, sums, hits)
	if stream == nil {
		return hits, n
	}
	result, err := stream.End(file)
	if err != nil {
		return unread(err), n
	}
	return byRule(h, result, hits), n
}

func byRule(h Hit, result yara.Result, hits []Hit) []Hit {
	for _, m := range result.Matches {
		found := h
		found.Kind, found.Indicator, found.Match = ByRule, m.Rule, &m
		hits = append(hits, found)
	}
	for _, why := range result.Undecided {
		found := h
		found.Kind, found.Problem = Undecided, why
		hits = append(hits, found)
	}
	return hits
}

// digests are the hashes that are computed of a file: those that are looked for.
type digests struct{ sha256, sha1, md5 hash.Hash }

func (h *Hashes) digests() digests {
	var d digests
	if h == nil {
		return d
	}
	if h.Len() > 0 { // SHA-256 is what a hit is told by
		d.sha256 = sha256.New()
	}
	if len(h.sha1) > 0 {
		d.sha1 = sha1.New()
	}
	if len(h.md5) > 0 {
		d.md5 = md5.New()
	}
	return d
}

func (d digests) writers() []io.Writer {
	var out []io.Writer
	for _, h := range []hash.Hash{d.sha256, d.sha1, d.md5} {
		if h != nil {
			out = append(out, h)
		}
	}
	return out
}

func (d digests) sum256() string {
	if d.sha256 == nil {
		return ""
	}
	return hex.EncodeToString(d.sha256.Sum(nil))
}

func (c *scan) byHash(h Hit, d digests, hits []Hit) []Hit {
	add := func(digits string, place Place, ok bool) {
		if ok {
			found := h
			found.Kind, found.Indicator, found.From = ByHash, digits, &place
			hits = append(hits, found)
		}
	}
	if d.sha256 != nil {
		place, ok := c.set.Hashes.sha256[[32]byte(d.sha256.Sum(nil))]
		add(h.SHA256, place, ok)
	}
	if d.sha1 != nil {
		sum := d.sha1.Sum(nil)
		place, ok := c.set.Hashes.sha1[[20]byte(sum)]
		add(hex.EncodeToString(sum), place, ok)
	}
	if d.md5 != nil {
		sum := d.md5.Sum(nil)
		place, ok := c.set.Hashes.md5[[16]byte(sum)]
		add(hex.EncodeToString(sum), place, ok)
	}
	return hits
}

// untilDone stops reading when nobody waits any more. It hides the reader's other methods, so that the buffer is used.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
