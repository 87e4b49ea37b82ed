package containers

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// recoverNames notes which layers deleted containers had. The keys of snapshots are in namespaces' own buckets; a key is
// noted for each namespace that the name itself gives, which containerd makes of namespace, number and key.
func (l *lister) recoverNames(s *store, f *freed) {
	for _, page := range f.leaves {
		for _, e := range f.elements(f.page(page)) {
			if !e.bucket || !validKey(e.key) {
				continue
			}
			name := f.values(e)["name"]
			ns, rest, ok := bytes.Cut(name, []byte("/"))
			if !ok || !bytes.HasSuffix(rest, append([]byte("/"), e.key...)) {
				continue
			}
			for _, snapshotter := range []string{overlaySnapshotter, nativeSnapshotter} {
				l.snapshots.name(s.root, string(ns), snapshotter, string(e.key), string(name))
			}
		}
	}
}

// recover adds the layers that a snapshotter has forgotten. Numbers of layers are never used again.
func (s *layerStore) recover(snapshotter string, f *freed) {
	for _, page := range f.leaves {
		for _, e := range f.elements(f.page(page)) {
			if !e.bucket || !validKey(e.key) {
				continue
			}
			fields := f.values(e)
			id, n := binary.Uvarint(fields["id"])
			if n > 0 && len(fields["createdat"]) > 0 && len(fields["kind"]) > 0 {
				s.remember(snapshotter, string(e.key), snapshot{id, string(fields["parent"])})
			}
		}
	}
	s.recoverParents(snapshotter, f)
}

func (s *layerStore) remember(snapshotter, name string, layer snapshot) {
	key := snapshotter + "\x00" + name
	if _, known := s.layers[key]; !known {
		s.layers[key], s.forgotten[key] = layer, true
	}
}

// recoverParents reads the same of the bucket in which a snapshotter has every layer's name under the numbers of its parent
// and its own.
func (s *layerStore) recoverParents(snapshotter string, f *freed) {
	names := map[uint64]string{}
	for _, key := range sortedKeys(s.layers) {
		if name, ok := strings.CutPrefix(key, snapshotter+"\x00"); ok {
			names[s.layers[key].id] = name
		}
	}
	for _, page := range f.leaves {
		for _, e := range f.elements(f.page(page)) {
			parent, id, ok := parentKey(e.key)
			if e.bucket || !ok || !validKey(e.value) || strings.Count(string(e.value), "/") < 2 || names[parent] == "" {
				continue
			}
			s.remember(snapshotter, string(e.value), snapshot{id, names[parent]})
		}
	}
}

// parentKey takes such a key apart: two numbers with a zero between.
func parentKey(key []byte) (parent, id uint64, ok bool) {
	parent, n := binary.Uvarint(key)
	if n <= 0 || n >= len(key) || key[n] != 0 {
		return 0, 0, false
	}
	id, m := binary.Uvarint(key[n+1:])
	return parent, id, m > 0 && n+1+m == len(key)
}
