package custody

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// wanted is a file with the hash that somebody says it has.
type wanted struct {
	path   string
	who    string // says so
	sha256 string
	size   int64 // -1: not said
}

// want notes a file. What two say alike is looked at once.
func (v *verifier) want(name, who, sum string, size int64) {
	v.known[name] = true
	said := [2]string{name, sum}
	if i, twice := v.said[said]; twice {
		v.wanted[i].size = max(v.wanted[i].size, size)
		return
	}
	v.said[said] = len(v.wanted)
	v.wanted = append(v.wanted, wanted{name, who, sum, size})
}

// read reads every file once and compares it with all that is said of it.
func (v *verifier) read(ctx context.Context) error {
	total, done := int64(0), int64(0)
	for _, w := range v.wanted {
		total += max(w.size, 0)
	}
	got := map[string]Item{}
	for _, w := range v.wanted {
		item, known := got[w.path]
		if !known {
			var err error
			item, err = v.hash(ctx, w.path, &done, total)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			got[w.path] = item
			if err != nil {
				v.unread(w.path, err)
			}
		}
		if item.SHA256 == "" || item.SHA256 == w.sha256 {
			continue
		}
		v.altered(ctx, w, item)
	}
	return ctx.Err()
}

func (v *verifier) unread(name string, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		v.file(name, "is missing")
		return
	}
	v.file(name, "%s", err)
}

// hash gives the SHA-256 and the size of a file.
func (v *verifier) hash(ctx context.Context, name string, done *int64, total int64) (Item, error) {
	f, _, err := v.folder.open(name)
	if err != nil {
		return Item{}, err
	}
	defer f.Close()
	w := &hashingWriter{ctx: ctx, to: io.Discard, sum: sha256.New()}
	if _, err := io.CopyBuffer(w, &progress{f, func(n int64) {
		if *done += n; v.Progress != nil {
			v.Progress(name, *done, max(total, *done))
		}
	}}, make([]byte, 1<<20)); err != nil {
		return Item{}, err
	}
	return Item{Path: name, SHA256: hex.EncodeToString(w.sum.Sum(nil)), Size: w.n}, nil
}

type progress struct {
	from io.Reader
	told func(n int64)
}

// Read is io.Reader's.
func (p *progress) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	p.told(int64(n))
	return n, err
}

// altered says of a file that is not what it was where it is another, as far as that can be known.
func (v *verifier) altered(ctx context.Context, w wanted, got Item) {
	p := Problem{File: w.path, Offset: -1, Text: fmt.Sprintf("SHA-256 is %s, %s says %s", got.SHA256, w.who, w.sha256)}
	if w.size >= 0 && got.Size != w.size {
		p.Text += fmt.Sprintf("; it has %d bytes, and had %d", got.Size, w.size)
	}
	if path.Base(w.path) == imageName && v.known[path.Join(path.Dir(w.path), indexName)] {
		v.located(ctx, &p)
	}
	v.wrong(p)
}

// located finds the first block of an image that is not what the index beside it says.
func (v *verifier) located(ctx context.Context, p *Problem) {
	image, _, err := v.folder.open(p.File)
	if err != nil {
		return
	}
	defer image.Close()
	name := path.Join(path.Dir(p.File), indexName)
	index, _, err := v.folder.open(name)
	if err != nil {
		return
	}
	defer index.Close()
	found, err := firstWrong(&cancellable{ctx, image}, index)
	switch {
	case err != nil:
		p.Text += fmt.Sprintf("; where cannot be said: %q: %s", name, err)
	case found != nil:
		p.Offset, p.Length = found.offset, found.length
		p.Text += "; " + found.wrong
	}
}

type cancellable struct {
	ctx  context.Context
	from io.Reader
}

// Read is io.Reader's.
func (c *cancellable) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.from.Read(b)
}

// unknown tells of everything in the directory that neither the log nor a manifest knows.
func (v *verifier) unknown() error {
	scratch := 0
	var found []Problem
	err := v.folder.walk(func(name string, d fs.DirEntry) {
		switch {
		case v.known[name] && d.Type().IsRegular():
		case strings.HasPrefix(name, scratchName+"/") && d.Type().IsRegular():
			scratch++
		case !d.Type().IsRegular():
			found = append(found, Problem{File: name, Offset: -1, Text: errIrregular.Error() + ", but " + kindOf(d.Type())})
		default:
			found = append(found, Problem{File: name, Offset: -1, Text: "is not in the custody log, and no manifest knows it"})
		}
	})
	if err != nil {
		return fmt.Errorf("list the case directory: %w", err)
	}
	v.report.Problems = append(v.report.Problems, found...)
	if scratch > 0 {
		v.notice("%d files of calls that have not ended lie in %s", scratch, scratchName)
	}
	return nil
}
