package overlay

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

var (
	errNotDir = errors.New("not a directory")
	errLinks  = errors.New("too many levels of symbolic links")
	errDeep   = errors.New("it lies too deep")
)

// Open opens a file or directory. Symbolic links are followed inside the view only: an absolute target starts at its
// root, and ".." stays in it.
func (f *FS) Open(name string) (fs.File, error) {
	info, err := f.lookup("open", name, true)
	if err != nil {
		return nil, err
	}
	return f.open(info)
}

// Stat describes a file, following links as Open does.
func (f *FS) Stat(name string) (fs.FileInfo, error) { return asFileInfo(f.lookup("stat", name, true)) }

// Lstat describes a file and does not follow a link at the end of the path. With an error that is not fs.ErrNotExist,
// what could be read may come along.
func (f *FS) Lstat(name string) (fs.FileInfo, error) {
	return asFileInfo(f.lookup("lstat", name, false))
}

// ReadDir gives a directory's entries in the order of their names. With an error, the entries that could be read come
// along.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	info, err := f.lookup("readdir", name, true)
	if info == nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errNotDir}
	}
	out, damage := f.list(info, fullRoom())
	if damage != nil {
		damage = &fs.PathError{Op: "readdir", Path: name, Err: damage}
	}
	return out, errors.Join(err, damage)
}

// ReadLink gives a symbolic link's target as text.
func (f *FS) ReadLink(name string) (string, error) {
	info, err := f.lookup("readlink", name, false)
	if err != nil {
		return "", err
	}
	if info.mode().Type() != fs.ModeSymlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return f.target(info)
}

func (f *FS) target(in *Info) (string, error) {
	top := in.spots[0]
	return f.layers[top.layer].Tree.ReadLink(top.path)
}

// lookup walks a path of io/fs: no leading slash, no "." or ".." in it. Names need not be UTF-8.
func (f *FS) lookup(op, name string, follow bool) (*Info, error) {
	parts := strings.Split(name, "/")
	if name == "." {
		parts = nil
	}
	for _, part := range parts {
		if !validName(part) {
			return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
		}
	}
	w := walker{fs: f, stack: []*Info{f.root}}
	in, err := w.down(parts, follow)
	if err != nil {
		err = &fs.PathError{Op: op, Path: name, Err: err}
	}
	if in != nil && in.name != path.Base(name) {
		named := *in // a link's name is the name of what it leads to
		named.name = path.Base(name)
		in = &named
	}
	return in, err
}

// walker goes down a path. The stack holds the directories above, for "..", and names those that are known.
type walker struct {
	fs    *FS
	stack []*Info
	names []string // of the directories in the stack, but for the root
	links int
}

// down resolves the parts from the directory on top of the stack.
func (w *walker) down(parts []string, follow bool) (*Info, error) {
	for len(parts) > 0 {
		part := parts[0]
		parts = parts[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			w.stack = w.stack[:max(1, len(w.stack)-1)]
			w.names = w.names[:max(0, len(w.names)-1)]
			continue
		}
		in, err := w.step(part)
		if in == nil || err != nil && (len(parts) == 0 || !in.IsDir()) { // of a directory on the way, what can be read counts
			return in, err
		}
		if in.mode().Type() != fs.ModeSymlink || len(parts) == 0 && !follow {
			w.stack, w.names = append(w.stack, in), append(w.names, part)
			continue
		}
		if parts, err = w.follow(in, parts); err != nil {
			return nil, err
		}
	}
	return w.stack[len(w.stack)-1], nil
}

func (w *walker) step(name string) (*Info, error) {
	dir := w.stack[len(w.stack)-1]
	switch {
	case !dir.IsDir():
		return nil, errNotDir
	case len(w.stack) > maxDepth:
		return nil, errDeep
	}
	key := strings.Join(append(w.names, name), "/")
	if in := w.fs.remembered(key); in != nil {
		return in, nil
	}
	in, err := w.fs.child(dir.spots, name)
	if in == nil && err == nil {
		return nil, fs.ErrNotExist
	}
	if err == nil && in.IsDir() {
		w.fs.remember(key, in)
	}
	return in, err
}

// follow puts a link's target before the parts that are left.
func (w *walker) follow(in *Info, parts []string) ([]string, error) {
	if w.links++; w.links > maxLinks {
		return nil, errLinks
	}
	target, err := w.fs.target(in)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(target, "/") {
		w.stack, w.names = w.stack[:1], w.names[:0]
	}
	return append(strings.Split(target, "/"), parts...), nil
}

func (f *FS) remembered(key string) *Info {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known[key]
}

func (f *FS) remember(key string, in *Info) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.known) >= maxKnown {
		clear(f.known)
	}
	f.known[key] = in
}
