package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// treeSpec says what tree a node has: a system, layers of images, the blobs that they came as, logs. The same spec gives the
// same names, bytes, modes and times of change.
type treeSpec struct {
	seed       uint64
	layers     int // unpacked
	layerFiles int // entries in each, about
	blobs      int
}

// grower makes a tree.
type grower struct {
	ctx    context.Context
	rand   *rand.Rand
	bytes  *rand.ChaCha8
	buffer []byte
	made   int
}

// longest is the largest file that is written in one piece.
const longest = 8 << 20

func (s treeSpec) fill(ctx context.Context, root string) error {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], s.seed)
	g := &grower{ctx: ctx, rand: rand.New(rand.NewPCG(s.seed, 1)), bytes: rand.NewChaCha8(seed), buffer: make([]byte, longest)}
	containerd := filepath.Join(root, "var/lib/containerd")
	errs := []error{g.layer(root, 3*s.layerFiles)}
	for i := range s.layers {
		layer := filepath.Join(containerd, fmt.Sprintf("io.containerd.snapshotter.v1.overlayfs/snapshots/%d", i+1))
		errs = append(errs, g.layer(filepath.Join(layer, "fs"), s.layerFiles/2+g.rand.IntN(s.layerFiles)), g.directory(filepath.Join(layer, "work")))
	}
	for range s.blobs {
		name := fmt.Sprintf("io.containerd.content.v1.content/blobs/sha256/%016x%016x%016x%016x", g.rand.Uint64(), g.rand.Uint64(), g.rand.Uint64(), g.rand.Uint64())
		errs = append(errs, g.file(filepath.Join(containerd, name), int64(math.Exp(15+2.2*g.rand.Float64()))))
	}
	return errors.Join(append(errs, g.logs(root), g.large(root))...)
}

// layer makes what an image's layer holds: libraries of many small files, links, a few large ones, some whiteouts.
func (g *grower) layer(root string, entries int) error {
	tops := []string{"usr/lib", "usr/share", "usr/lib/python3/dist-packages", "usr/share/doc", "usr/bin", "etc", "opt/app/node_modules", "var/lib/dpkg/info"}
	for end := g.made + entries; g.made < end; {
		dir := filepath.Join(root, tops[g.rand.IntN(len(tops))])
		for range g.rand.IntN(4) {
			dir = filepath.Join(dir, g.name()+".d")
		}
		if err := g.some(dir, 1+int(g.rand.ExpFloat64()*7)); err != nil {
			return err
		}
	}
	return nil
}

// some makes a number of entries in one directory.
func (g *grower) some(dir string, n int) error {
	if err := errors.Join(g.ctx.Err(), g.directory(dir)); err != nil {
		return err
	}
	for range n {
		if err := g.entry(filepath.Join(dir, g.name()+[]string{".py", ".js", ".so.1", ".h", "", ".md5sums", ".json"}[g.rand.IntN(7)])); err != nil {
			return err
		}
	}
	return nil
}

func (g *grower) entry(path string) error {
	g.made++
	switch kind := g.rand.IntN(1000); {
	case kind < 70:
		return known(os.Symlink("../"+g.name()+"/"+g.name(), path))
	case kind < 72:
		return known(syscall.Mknod(path, syscall.S_IFCHR, 0)) // a whiteout
	case kind < 80:
		return g.linked(path)
	}
	return g.file(path, int64(math.Exp(8.3+1.75*g.rand.NormFloat64())))
}

// linked makes a file with two names.
func (g *grower) linked(path string) error {
	if err := g.file(path, int64(g.rand.IntN(40000))); err != nil {
		return err
	}
	g.made++
	return known(os.Link(path, path+".link"))
}

func (g *grower) name() string {
	words := []string{"lib", "node", "core", "test", "util", "http", "json", "kube", "proxy", "cache", "index", "main", "types", "config", "data", "python"}
	return fmt.Sprintf("%s-%s%d", words[g.rand.IntN(len(words))], words[g.rand.IntN(len(words))], g.rand.IntN(400))
}

func (g *grower) directory(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	g.made++
	return os.MkdirAll(path, 0o755)
}

// file writes random bytes, a fifth of the files executable.
func (g *grower) file(path string, size int64) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if g.rand.IntN(5) == 0 {
		mode = 0o755
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return known(err)
	}
	for left := size; left > 0 && err == nil; left -= longest {
		part := g.buffer[:min(left, longest)]
		_, _ = g.bytes.Read(part) // it always fills it
		_, err = f.Write(part)
	}
	then := time.Unix(1_700_000_000+g.rand.Int64N(80_000_000), g.rand.Int64N(1e9))
	return errors.Join(err, f.Close(), os.Chtimes(path, then, then))
}

// logs makes a directory of many files and some that are long.
func (g *grower) logs(root string) error {
	for i := range 4000 {
		path := filepath.Join(root, "var/log/pods", fmt.Sprintf("shop_checkout-%04d_%08x/app/0.log", i%400, i%400), fmt.Sprint(i))
		if err := g.file(path, g.rand.Int64N(60000)); err != nil {
			return err
		}
	}
	for i := range 20000 {
		if err := g.file(filepath.Join(root, "var/cache/objects", fmt.Sprintf("%08x%05d", g.rand.Uint32(), i)), g.rand.Int64N(3000)); err != nil {
			return err
		}
	}
	return nil
}

// large makes a database, two disks of virtual machines, and a file that is mostly a hole.
func (g *grower) large(root string) error {
	for i, size := range []int64{700 << 20, 400 << 20, 300 << 20} {
		if err := g.file(filepath.Join(root, "var/lib/data", fmt.Sprintf("store-%d.db", i)), size); err != nil {
			return err
		}
	}
	sparse := filepath.Join(root, "var/log/lastlog")
	return errors.Join(g.file(sparse, 5000), os.Truncate(sparse, 300<<20))
}

// known forgives a name that was drawn twice.
func known(err error) error {
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}
