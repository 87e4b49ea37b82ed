package containers

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/overlay"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// compare holds a layer's directory against what its archive unpacks to.
func (v *verifier) compare(c *Check, want contents) {
	inodes := map[string]uint64{} // of files that hard links are made of
	err := v.disk.Walk(c.Layer, func(p string, d fs.DirEntry, err error) error {
		if stop := v.ctx.Err(); stop != nil {
			return stop
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(p, c.Layer), "/")
		if err != nil || d == nil {
			c.unverified("%s: %v", p, errors.Join(err))
			return nil
		}
		if rel == "" {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			c.unverified("%s: %v", p, err)
			return nil
		}
		c.Entries++
		v.file(c, want, inodes, rel, p, info)
		return nil
	})
	if err != nil {
		c.unverified("%v", err)
	}
	for _, rel := range sortedKeys(want.files) {
		w := want.files[rel]
		switch {
		case !w.seen:
			c.differ(Difference{Path: rel, What: "missing"})
		case w.kind == hardLink && want.files[w.link] != nil && inodes[rel] != inodes[w.link]:
			c.differ(Difference{Path: rel, What: "changed", Field: "link", Want: "the same file as " + w.link, Got: "another file"})
		}
	}
}

func (v *verifier) file(c *Check, want contents, inodes map[string]uint64, rel, p string, info fs.FileInfo) {
	w := want.files[rel]
	stat, _ := volume.StatOf(info)
	switch {
	case w == nil && info.IsDir() && want.above[rel]:
		v.opaque(c, want, rel, p, info)
		return
	case w == nil:
		c.differ(Difference{Path: rel, What: "added", Got: info.Mode().Type().String()})
		return
	}
	w.seen = true
	inodes[rel] = stat.Inode
	v.opaque(c, want, rel, p, info)
	w = want.linked(w)
	if w == nil { // a hard link to a file of a layer below, which is a copy here
		return
	}
	for _, f := range w.fields(info, stat) {
		if f.Want != f.Got {
			f.Path, f.What = rel, "changed"
			c.differ(f)
			if f.Field == "type" {
				return
			}
		}
	}
	v.inside(c, w, rel, p, info)
}

// linked gives the file that a hard link is another name of, in the same layer.
func (c contents) linked(w *wanted) *wanted {
	for range 2 {
		if w == nil || w.kind != hardLink {
			return w
		}
		w = c.files[w.link]
	}
	return nil
}

// fields gives what is compared of every file. The type comes first: the rest of another type says nothing.
func (w *wanted) fields(info fs.FileInfo, stat volume.Stat) []Difference {
	if w.kind == deleted {
		return []Difference{{Field: "type", Want: "char 0:0", Got: kindOfStat(stat) + deviceOf(stat)}}
	}
	out := []Difference{
		{Field: "type", Want: kindOfTar(w.kind), Got: kindOfStat(stat)},
		{Field: "uid", Want: fmt.Sprint(w.uid), Got: fmt.Sprint(stat.UID)},
		{Field: "gid", Want: fmt.Sprint(w.gid), Got: fmt.Sprint(stat.GID)},
	}
	if w.kind != tar.TypeSymlink {
		out = append(out, Difference{Field: "mode", Want: fmt.Sprintf("%04o", w.mode), Got: fmt.Sprintf("%04o", stat.Mode&0o7777)})
	}
	switch w.kind {
	case tar.TypeReg:
		out = append(out, Difference{Field: "size", Want: fmt.Sprint(w.size), Got: fmt.Sprint(info.Size())})
	case tar.TypeChar, tar.TypeBlock:
		out = append(out, Difference{Field: "device", Want: " " + w.device, Got: deviceOf(stat)})
	}
	return out
}

func kindOfTar(kind byte) string {
	return map[byte]string{
		tar.TypeReg: "file", tar.TypeDir: "directory", tar.TypeSymlink: "link", tar.TypeChar: "char", tar.TypeBlock: "block", tar.TypeFifo: "fifo",
	}[kind]
}

func kindOfStat(stat volume.Stat) string {
	return map[uint32]string{
		volume.TypeRegular: "file", volume.TypeDir: "directory", volume.TypeLink: "link", volume.TypeChar: "char", volume.TypeBlock: "block",
		volume.TypeFIFO: "fifo", volume.TypeSocket: "socket",
	}[stat.Mode&volume.TypeMask]
}

func deviceOf(stat volume.Stat) string {
	if kind := stat.Mode & volume.TypeMask; kind != volume.TypeChar && kind != volume.TypeBlock {
		return ""
	}
	return fmt.Sprintf(" %d:%d", stat.Major, stat.Minor)
}

// inside compares what a file holds, and the attributes that the archive has and those that give rights.
func (v *verifier) inside(c *Check, w *wanted, rel, p string, info fs.FileInfo) {
	switch {
	case w.kind == tar.TypeReg && info.Mode().IsRegular() && info.Size() == w.size: // another size is told, and may be absurd
		sum, err := v.sum(info)
		if err != nil {
			c.unverified("%s: %v", p, err)
		} else if sum != w.sum {
			c.differ(Difference{Path: rel, What: "changed", Field: "sha256", Want: hex.EncodeToString(w.sum[:]), Got: hex.EncodeToString(sum[:])})
		}
	case w.kind == tar.TypeSymlink && info.Mode().Type() == fs.ModeSymlink:
		target, err := v.disk.ReadLink(p)
		if err != nil {
			c.unverified("%s: %v", p, err)
		} else if target != w.link {
			c.differ(Difference{Path: rel, What: "changed", Field: "link", Want: w.link, Got: target})
		}
	}
	if w.kind == deleted {
		return
	}
	attrs, err := v.disk.Xattrs(info)
	if err != nil {
		c.unverified("%s: %v", p, err)
		return
	}
	const capability = "security.capability"
	if _, wantCaps := w.attrs[capability]; !wantCaps && attrs[capability] != nil {
		c.differ(Difference{Path: rel, What: "changed", Field: capability, Got: hex.EncodeToString(attrs[capability])})
	}
	for _, key := range sortedKeys(w.attrs) {
		if got, there := attrs[key]; !there || string(got) != w.attrs[key] {
			c.differ(Difference{Path: rel, What: "changed", Field: clip(key), Want: hex.EncodeToString([]byte(w.attrs[key])), Got: hex.EncodeToString(got)})
		}
	}
}

// opaque compares whether a directory hides those below.
func (v *verifier) opaque(c *Check, want contents, rel, p string, info fs.FileInfo) {
	if !info.IsDir() {
		return
	}
	got, err := overlay.IsOpaque(v.disk, info)
	if err != nil {
		c.unverified("%s: %v", p, err)
	} else if got != want.opaque[rel] {
		c.differ(Difference{Path: rel, What: "changed", Field: "opaque", Want: fmt.Sprint(want.opaque[rel]), Got: fmt.Sprint(got)})
	}
}

func (v *verifier) sum(info fs.FileInfo) (out [sha256.Size]byte, err error) {
	f, err := v.disk.OpenFound(info)
	if err != nil {
		return out, err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.CopyBuffer(h, &patient{v.lister, f}, make([]byte, 256<<10)); err != nil {
		return out, err
	}
	h.Sum(out[:0])
	return out, nil
}
