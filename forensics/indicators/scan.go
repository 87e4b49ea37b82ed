// Package indicators looks for what is known of an intruder in a tree of files: hashes, paths and YARA rules. Every file is
// read once, whatever is looked for.
package indicators

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"unicode/utf8"

	"github.com/firebreak-ir/firebreak/forensics/indicators/yara"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Set is what is looked for. Each part may be left out.
type Set struct {
	Hashes *Hashes
	Paths  *Paths
	Rules  *yara.Rules
}

// Kind is a kind of hit.
type Kind string

// The kinds of hits.
const (
	ByHash    Kind = "hash"
	ByPath    Kind = "path"
	ByRule    Kind = "rule"
	Unread    Kind = "unread"    // the file was not searched: Problem says why
	Undecided Kind = "undecided" // a rule was not searched for to its end: Problem says which
)

// Hit is one line about one file.
type Hit struct {
	Kind      Kind        `json:"kind"`
	Path      string      `json:"path"` // in the tree, with a slash before it
	RawPath   []byte      `json:"rawPath,omitempty"`
	Indicator string      `json:"indicator,omitempty"` // the hash, path or rule that was looked for
	From      *Place      `json:"from,omitempty"`      // the list's file and line
	Match     *yara.Match `json:"match,omitempty"`
	Size      int64       `json:"size"`
	SHA256    string      `json:"sha256,omitempty"` // where the file was read for a hash
	Problem   string      `json:"problem,omitempty"`
}

// Options bound a search. The zero value is a sensible choice for every field.
type Options struct {
	MaxFileBytes int64 // of one file that is read; 4 GiB
	MaxBytes     int64 // of all files; 1 TiB
	Workers      int   // files read at once; 1
	YARA         yara.Options
	// Name gives the path that is matched and told for a path of the tree; nil puts a slash before it.
	Name func(p string) string
}

func (o Options) withDefaults() Options {
	if o.MaxFileBytes <= 0 {
		o.MaxFileBytes = 4 << 30
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 40
	}
	if o.Workers <= 0 {
		o.Workers = 1
	}
	if o.Name == nil {
		o.Name = func(p string) string { return "/" + p }
	}
	return o
}

// Summary counts what a search came to.
type Summary struct {
	Files  int          `json:"files"` // regular files
	Bytes  int64        `json:"bytes"` // read
	Hits   map[Kind]int `json:"hits"`
	Unread int          `json:"unread"` // files and directories that were not searched
}

// Scan searches all files below root, which is no link. Hits come in the order of names, whatever the number of workers;
// what do returns ends the search. Links, devices, pipes and sockets are matched by their paths alone.
func (s Set) Scan(ctx context.Context, tree volume.Tree, root string, opts Options, do func(Hit) error) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &scan{ctx: ctx, set: s, tree: tree, opts: opts.withDefaults(), sum: Summary{Hits: map[Kind]int{}}}
	c.left = c.opts.MaxBytes
	jobs, work := make(chan *job, 4*c.opts.Workers), make(chan *job)
	var workers sync.WaitGroup
	for range c.opts.Workers {
		workers.Go(func() {
			for j := range work {
				j.hits, j.read = c.file(j)
				close(j.done)
			}
		})
	}
	var walked error
	workers.Go(func() {
		defer close(work)
		defer close(jobs)
		walked = c.walk(root, jobs, work)
	})
	err := c.collect(jobs, do)
	cancel()
	for j := range jobs { // so that the walk ends
		_ = j
	}
	workers.Wait()
	return c.sum, errors.Join(err, walked)
}

// job is one entry on its way through a worker.
type job struct {
	path  string
	info  fs.FileInfo
	wrong error
	limit bool // all bytes that may be read are used up
	done  chan struct{}
	hits  []Hit
	read  int64
}

type scan struct {
	ctx  context.Context
	set  Set
	tree volume.Tree
	opts Options
	left int64 // bytes; the walk's own
	sum  Summary
}

// walk hands every entry on in the order of names: to be collected, and to a worker.
func (c *scan) walk(root string, jobs, work chan<- *job) error {
	return c.tree.Walk(root, func(p string, d fs.DirEntry, err error) error {
		j := &job{path: p, wrong: err, done: make(chan struct{})}
		if err == nil {
			j.info, j.wrong = d.Info()
		}
		if j.wrong == nil && j.info.Mode().IsRegular() && j.info.Size() <= c.opts.MaxFileBytes {
			j.limit = c.left < j.info.Size()
			c.left -= min(c.left, j.info.Size())
		}
		for _, to := range []chan<- *job{jobs, work} {
			select {
			case to <- j:
			case <-c.ctx.Done():
				return fs.SkipAll
			}
		}
		return nil
	})
}

// collect hands hits on in order.
func (c *scan) collect(jobs <-chan *job, do func(Hit) error) error {
	for j := range jobs {
		select {
		case <-j.done:
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
		if j.info != nil && j.info.Mode().IsRegular() {
			c.sum.Files++
		}
		c.sum.Bytes += j.read
		for _, h := range j.hits {
			c.sum.Hits[h.Kind]++
			if h.Kind == Unread {
				c.sum.Unread++
			}
			if !utf8.ValidString(h.Path) {
				h.RawPath = []byte(h.Path)
			}
			if err := do(h); err != nil {
				return err
			}
		}
	}
	return c.ctx.Err()
}
