package drift

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/overlay"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// compareStates lists what differs.
func (ch *Change) compareStates() {
	a, b := ch.Old, ch.New
	differs := func(what string, yes bool) {
		if yes {
			ch.Differs = append(ch.Differs, what)
		}
	}
	differs("type", a.Type != b.Type)
	differs("size", a.Type == "file" && b.Type == "file" && a.Size != b.Size)
	differs("target", a.Target != b.Target)
	differs("device", a.Device != b.Device)
	differs("mode", a.Mode != b.Mode)
	differs("owner", a.UID != b.UID || a.GID != b.GID)
	differs("time", a.Type != "dir" && !a.Modified.Equal(b.Modified)) // a directory's changes with what it holds
	names := map[string]bool{}
	for name := range a.attributes {
		names[name] = true
	}
	for name := range b.attributes {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		was, had := a.attributes[name]
		is, has := b.attributes[name]
		differs(name, had != has || !bytes.Equal(was, is))
	}
}

// stateOf reads what a file is like, without its bytes.
func stateOf(tree volume.Tree, info fs.FileInfo, marks overlay.Namespace) (State, error) {
	stat, _ := volume.StatOf(info)
	s := State{
		Type: typeOf(stat.Mode), Mode: fmt.Sprintf("%04o", stat.Mode&0o7777), UID: stat.UID, GID: stat.GID, Size: info.Size(),
		Modified: stat.Modified, Changed: stat.Changed, Created: stat.Created,
	}
	if s.Type == "dir" {
		s.Size = 0 // its own blocks say nothing
	}
	if s.Type == "device" {
		s.Device = fmt.Sprintf("%d:%d", stat.Major, stat.Minor)
	}
	all, err := tree.Xattrs(info)
	s.attributes = map[string][]byte{}
	for name, value := range all {
		if marks == "" || !strings.HasPrefix(name, string(marks)) {
			s.attributes[name] = value
		}
	}
	if raw, ok := all["security.capability"]; ok {
		s.Capability = fmt.Sprintf("%x", raw)
	}
	if err != nil {
		err = fmt.Errorf("attributes: %w", err)
	}
	return s, err
}

// target reads where a link points to.
func (s *State) target(tree volume.Tree, p string, info fs.FileInfo, ch *Change) {
	if info.Mode()&fs.ModeSymlink == 0 {
		return
	}
	to, err := tree.ReadLink(p)
	s.Target = to
	ch.note(err)
}

func typeOf(mode uint32) string {
	switch mode & volume.TypeMask {
	case volume.TypeRegular:
		return "file"
	case volume.TypeDir:
		return "dir"
	case volume.TypeLink:
		return "link"
	case volume.TypeChar, volume.TypeBlock:
		return "device"
	case volume.TypeFIFO:
		return "pipe"
	case volume.TypeSocket:
		return "socket"
	}
	return "unknown"
}
