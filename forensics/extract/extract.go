// Package extract copies a subtree of an image onto the analyst's machine, for tools that want a directory. Only regular
// files and directories are made, under names that no file system misreads; links, devices and pipes are listed and
// never made. Nothing that is written can be run, and nothing lies outside the directory.
package extract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// Disk is an image's file system, such as *ext4.FS.
type Disk interface {
	fs.ReadLinkFS
	// Walk visits a subtree in the order of names, following no link.
	Walk(root string, do fs.WalkDirFunc) error
}

// Options bound a copy. The zero value is a sensible choice for every field.
type Options struct {
	MaxFiles     int   // files and directories made; 100,000
	MaxBytes     int64 // of all files; 1 GiB
	MaxFileBytes int64 // of one file; 256 MiB
	MaxDepth     int   // directories below the source; 64
	// Keep says which paths below the source are copied; nil keeps all. A directory that is not kept is not entered.
	Keep func(rel string, dir bool) bool
}

func (o Options) withDefaults() Options {
	if o.MaxFiles <= 0 {
		o.MaxFiles = 100_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 30
	}
	if o.MaxFileBytes <= 0 {
		o.MaxFileBytes = 256 << 20
	}
	if o.MaxDepth <= 0 {
		o.MaxDepth = 64
	}
	if o.Keep == nil {
		o.Keep = func(string, bool) bool { return true }
	}
	return o
}

// Left is something that was not copied, or that the disk does not say the truth of.
type Left struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// Result says what was copied and what was not.
type Result struct {
	Files, Dirs int
	Bytes       int64
	Left        []Left // the first thousand
	LeftCount   int
}

const maxLeft = 1000

// ErrTooMuch is returned when a limit of Options ended the copy.
var ErrTooMuch = errors.New("more than the limits of the copy allow")

// Tree copies the directory source of the disk into the existing directory target. Damage of the image is listed and the
// rest is still copied; an error is a failure of this machine, or ErrTooMuch.
func Tree(ctx context.Context, disk Disk, source, target string, opts Options) (Result, error) {
	root, err := os.OpenRoot(target)
	if err != nil {
		return Result{}, fmt.Errorf("open the directory to copy into: %w", err)
	}
	defer func() { _ = root.Close() }()
	c := &copier{ctx: ctx, disk: disk, root: root, source: source, opts: opts.withDefaults()}
	err = disk.Walk(source, c.visit)
	return c.result, err
}

// File copies one regular file of the disk to a new file of that name in target.
func File(ctx context.Context, disk Disk, source, target, name string, limit int64) error {
	root, err := os.OpenRoot(target)
	if err != nil {
		return fmt.Errorf("open the directory to copy into: %w", err)
	}
	defer func() { _ = root.Close() }()
	info, err := disk.Lstat(source)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%q is no regular file", source)
	}
	if info.Size() > limit {
		return fmt.Errorf("%q has %d bytes, the limit is %d: %w", source, info.Size(), limit, ErrTooMuch)
	}
	c := &copier{ctx: ctx, disk: disk, root: root}
	_, err = c.fill(source, Name(name), info)
	return err
}

type copier struct {
	ctx    context.Context
	disk   Disk
	root   *os.Root
	source string
	opts   Options
	result Result
}

func (c *copier) visit(p string, d fs.DirEntry, err error) error {
	if stop := c.ctx.Err(); stop != nil {
		return stop
	}
	if err != nil {
		c.leave(p, err.Error())
		return nil
	}
	rel := strings.TrimPrefix(strings.TrimPrefix(p, c.source), "/")
	if p == c.source || c.source == "." && p == "." {
		return nil
	}
	if !c.opts.Keep(rel, d.IsDir()) {
		return skipIf(d.IsDir())
	}
	if c.result.Files+c.result.Dirs >= c.opts.MaxFiles {
		return fmt.Errorf("%d files: %w", c.opts.MaxFiles, ErrTooMuch)
	}
	if d.IsDir() {
		return c.dir(p, rel)
	}
	return c.file(p, rel, d)
}

func skipIf(dir bool) error {
	if dir {
		return fs.SkipDir
	}
	return nil
}

func (c *copier) dir(p, rel string) error {
	if strings.Count(rel, "/") >= c.opts.MaxDepth {
		c.leave(p, fmt.Sprintf("it lies more than %d directories deep", c.opts.MaxDepth))
		return fs.SkipDir
	}
	err := c.root.Mkdir(Path(rel), 0o700)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENAMETOOLONG) {
		c.leave(p, "its name cannot be made here: "+err.Error())
		return fs.SkipDir
	}
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	c.result.Dirs++
	return nil
}

// file copies a regular file. What the directory calls regular is asked of the inode again.
func (c *copier) file(p, rel string, d fs.DirEntry) error {
	info, err := d.Info()
	switch {
	case err != nil:
		c.leave(p, err.Error())
		return nil
	case !info.Mode().IsRegular():
		c.leave(p, c.kind(p, info))
		return nil
	case info.Size() > c.opts.MaxFileBytes:
		c.leave(p, fmt.Sprintf("%d bytes are more than the limit of %d for one file", info.Size(), c.opts.MaxFileBytes))
		return nil
	case c.result.Bytes+info.Size() > c.opts.MaxBytes:
		return fmt.Errorf("%d bytes: %w", c.opts.MaxBytes, ErrTooMuch)
	}
	n, err := c.fill(p, Path(rel), info)
	c.result.Bytes += n
	var unreadable *readError
	switch {
	case errors.As(err, &unreadable), errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENAMETOOLONG):
		c.leave(p, err.Error())
	case err != nil:
		return err
	default:
		c.result.Files++
	}
	return nil
}

func (c *copier) leave(p, why string) {
	c.result.LeftCount++
	if len(c.result.Left) < maxLeft {
		c.result.Left = append(c.result.Left, Left{Path: p, Why: why})
	}
}

func (c *copier) kind(p string, info fs.FileInfo) string {
	if info.Mode()&fs.ModeSymlink == 0 {
		return "is no regular file: " + info.Mode().Type().String()
	}
	target, err := c.disk.ReadLink(p)
	if err != nil {
		return "a symbolic link: " + err.Error()
	}
	return "a symbolic link to " + path.Clean(target)
}
