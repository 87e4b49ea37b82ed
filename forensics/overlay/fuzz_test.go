package overlay_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/overlay"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// tree is a tree in memory, which may have what no real one has: directories inside themselves, names twice, impossible
// names. Its paths are looked up through the names of its nodes.
type tree struct{ root *node }

type node struct {
	name     string
	stat     volume.Stat
	attrs    map[string][]byte
	children []*node
	content  string
}

func (n *node) Name() string               { return n.name }
func (n *node) Size() int64                { return n.stat.Size }
func (n *node) ModTime() time.Time         { return n.stat.Modified }
func (n *node) IsDir() bool                { return n.Mode().IsDir() }
func (n *node) Sys() any                   { return nil }
func (n *node) Stat() volume.Stat          { return n.stat }
func (n *node) Type() fs.FileMode          { return n.Mode().Type() }
func (n *node) Info() (fs.FileInfo, error) { return n, nil }

func (n *node) Mode() fs.FileMode {
	mode := fs.FileMode(n.stat.Mode & 0o777)
	switch n.stat.Mode & volume.TypeMask {
	case volume.TypeDir:
		mode |= fs.ModeDir
	case volume.TypeLink:
		mode |= fs.ModeSymlink
	case volume.TypeChar:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	}
	return mode
}

func (t tree) Lstat(name string) (fs.FileInfo, error) {
	at := t.root
	for part := range strings.SplitSeq(name, "/") {
		if part == "." {
			continue
		}
		i := slices.IndexFunc(at.children, func(n *node) bool { return n.name == part })
		if i < 0 {
			return nil, fs.ErrNotExist
		}
		at = at.children[i]
	}
	return at, nil
}

func (t tree) Stat(name string) (fs.FileInfo, error) { return t.Lstat(name) }
func (t tree) Open(string) (fs.File, error)          { return nil, fs.ErrInvalid }

func (t tree) ReadDir(name string) ([]fs.DirEntry, error) {
	info, err := t.Lstat(name)
	if err != nil {
		return nil, err
	}
	return info.(*node).list(), nil
}

func (n *node) list() []fs.DirEntry {
	out := []fs.DirEntry{}
	for _, c := range n.children {
		out = append(out, c)
	}
	return out
}

func (t tree) ReadLink(name string) (string, error) {
	info, err := t.Lstat(name)
	if err != nil {
		return "", err
	}
	return info.(*node).content, nil
}

func (t tree) Walk(string, fs.WalkDirFunc) error { return errors.New("nobody walks a layer") }

func (t tree) OpenFound(info fs.FileInfo) (fs.File, error) { return &open{node: info.(*node)}, nil }

func (t tree) Xattrs(info fs.FileInfo) (map[string][]byte, error) { return info.(*node).attrs, nil }

type open struct {
	*node
	r *bytes.Reader
}

func (o *open) Stat() (fs.FileInfo, error)              { return o.node, nil }
func (o *open) Close() error                            { return nil }
func (o *open) ReadDir(int) ([]fs.DirEntry, error)      { return o.list(), nil }
func (o *open) Seek(n int64, whence int) (int64, error) { return o.reader().Seek(n, whence) }
func (o *open) ReadAt(b []byte, at int64) (int, error)  { return o.reader().ReadAt(b, at) }
func (o *open) Read(b []byte) (int, error)              { return o.reader().Read(b) }

func (o *open) reader() *bytes.Reader {
	if o.r == nil {
		o.r = bytes.NewReader([]byte(o.content))
	}
	return o.r
}

// build makes layers of a program: four bytes an entry. Directories may be put into one another in any way.
func build(program []byte) []overlay.Layer {
	dir := func(inode uint64) *node {
		return &node{name: ".", stat: volume.Stat{Inode: inode, Mode: volume.TypeDir | 0o755}}
	}
	var layers []overlay.Layer
	var dirs [][]*node
	for range 3 {
		root := dir(uint64(len(layers) + 2))
		layers = append(layers, overlay.Layer{Tree: tree{root}, Root: "."})
		dirs = append(dirs, []*node{root})
	}
	names := []string{"a", "b", "c", "d", "..", "x/y", ""}
	redirects := []string{"", "a", "b", "/a", "/a/b", "/c/d/a", "/", "../a", "/b/../c"}
	for i := 0; len(program) >= 4 && i < 200; i, program = i+1, program[4:] {
		layer := int(program[0]) % 3
		parent := dirs[layer][int(program[0]/3)%len(dirs[layer])]
		n := &node{name: names[int(program[1])%len(names)], stat: volume.Stat{Inode: uint64(10 + i)}, attrs: map[string][]byte{}, content: "bytes"}
		if to := redirects[int(program[3])%len(redirects)]; to != "" {
			n.attrs["trusted.overlay.redirect"] = []byte(to)
		}
		switch program[2] % 8 {
		case 0, 1, 2:
			n.stat.Mode = volume.TypeDir | 0o755
			dirs[layer] = append(dirs[layer], n)
		case 3:
			n.stat.Mode = volume.TypeDir | 0o700
			n.attrs["trusted.overlay.opaque"] = []byte("y")
			dirs[layer] = append(dirs[layer], n)
		case 4:
			n.stat.Mode = volume.TypeChar
		case 5:
			n.stat.Mode = volume.TypeRegular
			n.attrs["trusted.overlay.metacopy"] = nil
		case 6: // a directory that is in a second place, perhaps in itself
			again := *dirs[layer][int(program[3])%len(dirs[layer])]
			again.name = n.name
			n = &again
			n.children = dirs[layer][int(program[3])%len(dirs[layer])].children
		case 7:
			n.stat.Mode, n.content = volume.TypeLink, redirects[int(program[3])%len(redirects)]
		}
		parent.children = append(parent.children, n)
	}
	return layers
}

// FuzzMerge merges layers that no kernel would: loops, directories at several places, redirects everywhere. The walk ends,
// every path that it gives can be looked up, and each entry comes from a layer.
func FuzzMerge(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 3, 1, 0, 1, 1, 0, 0, 3, 2, 2, 5, 4})
	f.Add([]byte{2, 0, 0, 1, 5, 1, 6, 1, 5, 2, 6, 1, 1, 1, 4, 0, 2, 3, 7, 3})
	f.Fuzz(func(t *testing.T, program []byte) {
		view, err := overlay.Open(build(program))
		if err != nil {
			t.Fatal(err)
		}
		met := 0
		err = view.Walk(".", func(p string, d fs.DirEntry, err error) error {
			if met++; met > 200_000 {
				t.Fatal("the walk does not end")
			}
			if err != nil || d == nil {
				return nil //nolint:nilerr // damage is what this is made of
			}
			info, err := d.Info()
			if err != nil {
				return nil //nolint:nilerr // it was told before
			}
			if _, from, ok := view.Origin(info); !ok || from == "" || p != "." && path.Base(p) != info.Name() {
				t.Errorf("%q comes from %q", p, from)
			}
			if file, err := view.OpenFound(info); err == nil && info.Mode().IsRegular() {
				_, _ = io.Copy(io.Discard, file)
			}
			_, _ = view.Stat(p)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestLoop merges a directory that is its own child, in two layers.
func TestLoop(t *testing.T) {
	t.Parallel()
	var layers []overlay.Layer
	for range 2 {
		root := &node{name: ".", stat: volume.Stat{Inode: 2, Mode: volume.TypeDir}}
		loop := &node{name: "loop", stat: volume.Stat{Inode: 3, Mode: volume.TypeDir}}
		loop.children = []*node{loop}
		root.children = []*node{loop, {name: "..", stat: volume.Stat{Inode: 4, Mode: volume.TypeRegular}}, {name: "z", stat: volume.Stat{Inode: 5, Mode: volume.TypeRegular}}, {name: "z"}}
		layers = append(layers, overlay.Layer{Tree: tree{root}, Root: "."})
	}
	view, err := overlay.Open(layers)
	if err != nil {
		t.Fatal(err)
	}
	var paths, told []string
	err = view.Walk(".", func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			told = append(told, err.Error())
			return nil
		}
		paths = append(paths, p)
		return nil
	})
	if want := []string{".", "loop", "loop/loop", "z"}; err != nil || !slices.Equal(paths, want) {
		t.Errorf("%q, not %q, %v", paths, want, err)
	}
	said := strings.Join(told, "\n")
	for _, want := range []string{"was met before", `impossible name ".."`, `name "z" is there twice`} {
		if !strings.Contains(said, want) {
			t.Errorf("no word of %q in:\n%s", want, said)
		}
	}
}

// TestLinksStayInside follows links to where the container's processes would have come, never out of the view.
func TestLinksStayInside(t *testing.T) {
	t.Parallel()
	file := &node{name: "shadow", stat: volume.Stat{Inode: 3, Mode: volume.TypeRegular, Size: 6}, content: "inside"}
	etc := &node{name: "etc", stat: volume.Stat{Inode: 4, Mode: volume.TypeDir}, children: []*node{file}}
	link := func(name, to string) *node {
		return &node{name: name, stat: volume.Stat{Inode: 5, Mode: volume.TypeLink}, content: to}
	}
	root := &node{name: ".", stat: volume.Stat{Inode: 2, Mode: volume.TypeDir}, children: []*node{
		link("absolute", "/etc/shadow"), etc, link("loop", "loop"), link("up", "../../../../etc/shadow"), link("through", "/etc/shadow/x"),
	}}
	view, err := overlay.Open([]overlay.Layer{{Tree: tree{root}, Root: "."}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"absolute", "up", "etc/shadow"} {
		if b, err := fs.ReadFile(view, name); err != nil || string(b) != "inside" {
			t.Errorf("%q: %q, %v", name, b, err)
		}
	}
	for _, name := range []string{"loop", "through", "/etc/shadow", "../etc/shadow", "etc/../etc/shadow"} {
		if _, err := fs.ReadFile(view, name); err == nil {
			t.Errorf("%q can be read", name)
		}
	}
}

// TestOpenRefuses says which layer is wrong.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	root := &node{name: ".", stat: volume.Stat{Inode: 2, Mode: volume.TypeDir}, children: []*node{{name: "file", stat: volume.Stat{Mode: volume.TypeRegular}}}}
	for word, layers := range map[string][]overlay.Layer{
		"0 layers":      nil,
		"layer 1":       {{Tree: tree{root}, Root: "."}, {Tree: tree{root}, Root: "gone"}},
		"not a direct":  {{Tree: tree{root}, Root: "file"}},
		"502 layers":    make([]overlay.Layer, 502),
		"layer 0: file": {{Tree: tree{root}, Root: "gone"}},
	} {
		if _, err := overlay.Open(layers); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v", word, err)
		}
	}
}
