// Package forensics reads preserved disks: it fetches snapshots into images, lists the containers on them and finds what
// was written last. Nothing on a disk is mounted, opened in place or run; every word of it may be an attacker's.
package forensics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/block"
)

// Store gives the evidence of a case.
type Store interface {
	Case(id string) (*custody.Case, error)
	Accepts(to string) error
}

// EBS gives a client of the EBS direct APIs for a region; empty leaves the region to the SDK. block.NewEBSClient is one.
type EBS func(ctx context.Context, region string) (block.EBS, error)

// Deps is what these activities work with. With its zero value they can be listed and documented, not run.
type Deps struct {
	Store          Store
	EBS            EBS
	DockerExplorer []string // command, one word an item; de.py on the PATH when empty
	Block          block.Options
	HashBytes      int64 // what one call of last_writes hashes; 100 GiB when zero
}

// paper is one call's way into the evidence of its case.
type paper struct {
	c  *custody.Case
	by custody.By
}

func (d Deps) open(call activities.Call) (paper, error) {
	if d.Store == nil {
		return paper{}, errors.New("no evidence store is configured for this worker")
	}
	c, err := d.Store.Case(call.Case)
	return paper{c: c, by: custody.By{Step: call.Step, Key: call.Key}}, err
}

// find gives the evidence that an earlier attempt of this very call has made under name. That another step has written
// that name is an error at once, not after hours of work.
func (p paper) find(ctx context.Context, name string) (custody.Item, bool, error) {
	kept, err := p.c.Kept(ctx, p.by)
	if err != nil {
		return custody.Item{}, false, err
	}
	for _, item := range kept {
		if item.Path == name {
			return item, true, nil
		}
	}
	entries, err := p.c.Log()
	if err != nil {
		return custody.Item{}, false, err
	}
	for _, e := range entries {
		if e.Action == custody.Added && e.Item.Path == name {
			return custody.Item{}, false, writtenOnce(fmt.Errorf("evidence %q, written by step %q: %w", name, e.By.Step, custody.ErrWritten))
		}
	}
	return custody.Item{}, false, nil
}

// putJSON keeps v as evidence, as people read it.
func (p paper) putJSON(ctx context.Context, name, kind string, v any) (custody.Item, error) {
	return p.put(ctx, name, kind, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(v)
	})
}

func (p paper) put(ctx context.Context, name, kind string, write func(io.Writer) error) (custody.Item, error) {
	item, err := p.c.Put(ctx, p.by, name, kind, write)
	return item, writtenOnce(err)
}

func (p paper) putFile(ctx context.Context, name, kind, from string) (custody.Item, error) {
	return p.put(ctx, name, kind, func(w io.Writer) error {
		f, err := os.Open(from)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})
}

// content reads a small piece of evidence whole.
func (p paper) content(item custody.Item) ([]byte, error) {
	local, err := p.c.Path(item.Path)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(local)
}

// emptyScratch gives a directory on the case's file system that holds nothing of an attempt before.
func (p paper) emptyScratch(name string) (string, error) {
	dir, err := p.c.Scratch(p.by)
	if err != nil {
		return "", err
	}
	dir = path.Join(dir, name)
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("empty the scratch directory: %w", err)
	}
	return dir, os.MkdirAll(dir, 0o700)
}

// alone waits until no other attempt works in a directory: a worker that was taken for dead may still write there. A
// process that dies gives the lock back.
func alone(ctx context.Context, dir string) (release func(), err error) {
	f, err := os.OpenFile(path.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the scratch directory: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // closing gives the lock back
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock the scratch directory: %w", err), f.Close())
		}
		activities.Report(ctx, activities.Progress{Message: "wait until a former attempt has ended"})
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait until a former attempt has ended: %w", ctx.Err()), f.Close())
		case <-time.After(time.Second):
		}
	}
}

// begin opens the case of a call and keeps every other attempt of it out until release is called.
func (d Deps) begin(ctx context.Context, call activities.Call) (p paper, release func(), err error) {
	if p, err = d.open(call); err != nil {
		return paper{}, nil, err
	}
	scratch, err := p.c.Scratch(p.by)
	if err != nil {
		return paper{}, nil, err
	}
	release, err = alone(ctx, scratch)
	return p, release, err
}

// writtenOnce explains the error of a second step that wants a name that is taken: no retry mends it.
func writtenOnce(err error) error {
	if errors.Is(err, custody.ErrWritten) {
		return activities.Permanent(activities.Conflict, err, "keep one such step for each snapshot in the playbook: evidence is written once")
	}
	return err
}

// would is the result of a dry run. These activities change nothing but the case's own directory.
func would(object, what string) activities.Result {
	return activities.Result{
		Status: activities.Done, Summary: "would " + what,
		Would: []activities.Difference{{Object: object, Field: "content", To: what}},
	}
}

func done(format string, args ...any) activities.Result {
	return activities.Result{Status: activities.Done, Summary: fmt.Sprintf(format, args...)}
}

// count puts a number before a noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
