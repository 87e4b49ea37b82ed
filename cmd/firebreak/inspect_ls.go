package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// entryView is one file of a disk. Bytes of a name that are no UTF-8 stand as U+FFFD in it, and whole in NameHex.
type entryView struct {
	Path     string            `json:"path"`
	NameHex  string            `json:"nameHex,omitempty"`
	Type     string            `json:"type"`
	Mode     string            `json:"mode"`
	UID      uint32            `json:"uid"`
	GID      uint32            `json:"gid"`
	Size     int64             `json:"size"`
	Inode    uint64            `json:"inode"`
	Links    uint32            `json:"links"`
	Device   string            `json:"device,omitempty"`
	Target   string            `json:"target,omitempty"`
	Modified time.Time         `json:"modified,omitzero"`
	Changed  time.Time         `json:"changed,omitzero"`
	Accessed time.Time         `json:"accessed,omitzero"`
	Created  time.Time         `json:"created,omitzero"`
	Xattrs   map[string][]byte `json:"xattrs,omitempty"`
	Problem  string            `json:"problem,omitempty"`

	line string // its mode as ls writes it
}

func showEntries(ctx context.Context, i *inspection, arg string) error {
	p, err := onDisk(arg)
	if err != nil {
		return err
	}
	tree, err := i.tree(ctx)
	if err != nil {
		return err
	}
	all, err := list(tree, p)
	if len(all) == 0 && err != nil {
		return asked(arg, err)
	}
	if err != nil {
		i.note("%q: %s; what could be read follows", arg, err)
	}
	if i.flags.out.json() {
		return printJSON(i.stdout, append([]entryView{}, all...))
	}
	return i.printEntries(all)
}

// list gives the entries of a directory, or the one that p is.
func list(tree volume.Tree, p string) ([]entryView, error) {
	info, err := tree.Lstat(p)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []entryView{describe(tree, p, info, nil)}, nil
	}
	entries, err := tree.ReadDir(p)
	var all []entryView
	for _, e := range entries {
		info, wrong := e.Info()
		all = append(all, describe(tree, path.Join(p, e.Name()), info, wrong))
	}
	return all, err
}

func describe(tree volume.Tree, p string, info fs.FileInfo, wrong error) entryView {
	e := entryView{Path: "/" + p}
	if !utf8.ValidString(path.Base(p)) {
		e.NameHex = hex.EncodeToString([]byte(path.Base(p)))
	}
	stat, ok := volume.StatOf(info)
	if wrong == nil && !ok {
		wrong = fs.ErrInvalid
	}
	if wrong != nil {
		e.Problem, e.Type = wrong.Error(), "unreadable"
		return e
	}
	e.Type, e.Mode, e.line = kindOfFile(stat.Mode), fmt.Sprintf("%04o", stat.Mode&0o7777), modeLine(stat.Mode)
	e.UID, e.GID, e.Size, e.Inode, e.Links = stat.UID, stat.GID, stat.Size, stat.Inode, stat.Links
	e.Modified, e.Changed, e.Accessed, e.Created = stat.Modified, stat.Changed, stat.Accessed, stat.Created
	e.extend(tree, p, info, stat)
	return e
}

// extend adds what stands elsewhere than in the inode.
func (e *entryView) extend(tree volume.Tree, p string, info fs.FileInfo, stat volume.Stat) {
	var err error
	switch e.Type {
	case "link":
		e.Target, err = tree.ReadLink(p)
	case "char", "block":
		e.Device = fmt.Sprintf("%d:%d", stat.Major, stat.Minor)
	}
	if err == nil {
		e.Xattrs, err = tree.Xattrs(info)
	}
	if err != nil {
		e.Problem = err.Error()
	}
}

func kindOfFile(mode uint32) string {
	switch mode & volume.TypeMask {
	case volume.TypeRegular:
		return "file"
	case volume.TypeDir:
		return "directory"
	case volume.TypeLink:
		return "link"
	case volume.TypeChar:
		return "char"
	case volume.TypeBlock:
		return "block"
	case volume.TypeFIFO:
		return "pipe"
	case volume.TypeSocket:
		return "socket"
	}
	return "unknown"
}

// modeLine writes a mode as ls does: type, then three rights for each of three, with setuid, setgid and sticky in place of
// the x.
func modeLine(mode uint32) string {
	line := []byte("?rwxrwxrwx")
	line[0] = "?pc?d?b?-?l?s???"[mode>>12&15]
	for bit := range 9 {
		if mode>>bit&1 == 0 {
			line[9-bit] = '-'
		}
	}
	for n, letter := range []byte("tss") { // sticky, setgid, setuid
		if at := 9 - 3*n; mode>>(9+n)&1 != 0 && line[at] == 'x' {
			line[at] = letter
		} else if mode>>(9+n)&1 != 0 {
			line[at] = letter - 'a' + 'A'
		}
	}
	return string(line)
}

func (i *inspection) printEntries(all []entryView) error {
	w := tabwriter.NewWriter(i.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, e := range all {
		if e.line == "" {
			fmt.Fprintf(w, "?\t\t\t\t\t %s: %s\n", safe(path.Base(e.Path)), safe(e.Problem))
			continue
		}
		name := safe(path.Base(e.Path))
		if e.Target != "" {
			name += " -> " + safe(e.Target)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t %s\n", e.line, e.UID, e.GID, cmp.Or(e.Device, fmt.Sprint(e.Size)), e.Modified.UTC().Format("2006-01-02 15:04:05.000"), name)
	}
	return w.Flush()
}
