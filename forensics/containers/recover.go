package containers

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

const (
	maxRecovered = 10_000 // containers read from one database's free pages
	maxUp        = 32     // pages between a record and the name of its namespace
	maxBranching = 256    // pages looked at on the way
)

// recovered gives the containers that a database's free pages still hold and its tree does not. A record counts where it
// says itself whose it is (by the CRI plugin's metadata or by its snapshot's key) or where all free pages that lead to it
// agree. The newest record of a container counts.
func (l *lister) recovered(s *store, f *freed) []Container {
	live := map[string]bool{}
	for _, c := range s.found {
		live[c.ID] = true
	}
	l.recoverNames(s, f)
	newest := map[string]Container{}
	updated := map[string]time.Time{}
	for _, page := range f.leaves {
		r, ok := f.record(page)
		if !ok || l.ctx.Err() != nil {
			continue
		}
		id, ns := f.owner(page, r)
		if id == "" || live[clip(id)] || len(newest) == maxRecovered {
			continue
		}
		var at time.Time
		_ = at.UnmarshalBinary(r.fields["createdat"])
		_ = at.UnmarshalBinary(r.fields["updatedat"])
		if before, met := updated[id]; met && !at.After(before) {
			continue
		}
		c := l.container(ns, id, s.meta, r)
		c.Deleted, c.Recovered, c.Page = !f.damaged, true, page
		newest[id], updated[id] = c, at
	}
	var out []Container
	for _, id := range sortedKeys(newest) {
		out = append(out, newest[id])
	}
	for _, c := range append(l.carved(s, f), l.specified(s, f)...) {
		if _, met := newest[c.ID]; !met && !live[c.ID] && len(newest) < maxRecovered {
			newest[c.ID] = c
			out = append(out, c)
		}
	}
	return out
}

// record reads a free leaf as the record of a container: what containerd writes into every one has to be there. Records
// of Kubernetes' containers are larger than a page: then the leaf has the first keys, and the leaf with the others hangs on
// the same branch.
func (f *freed) record(page uint64) (record, bool) {
	r := record{fields: map[string][]byte{}, labels: map[string]string{}, extensions: map[string][]byte{}}
	f.add(&r, page)
	var created time.Time
	if r.fields["sandboxer"] != nil || created.UnmarshalBinary(r.fields["createdat"]) != nil {
		return r, false
	}
	for _, key := range []string{"image", "snapshotKey"} {
		if _, there := r.fields[key]; !there {
			return r, false
		}
	}
	for _, sibling := range f.siblings(page) {
		if _, whole := r.fields["updatedat"]; whole {
			break
		}
		f.add(&r, sibling)
	}
	return r, true
}

// add reads the keys of one leaf of a record.
func (f *freed) add(r *record, page uint64) {
	for _, e := range f.elements(f.page(page)) {
		switch key := string(e.key); {
		case !e.bucket:
			r.fields[key] = e.value
		case key == "labels":
			for k, v := range f.values(e) {
				r.labels[k] = string(v)
			}
		case key == "extensions":
			r.extensions = f.values(e)
		}
	}
}

// siblings gives the pages after a page on the branches that lead to it.
func (f *freed) siblings(page uint64) []uint64 {
	var out []uint64
	for _, p := range f.parents[page] {
		if p.key != "" || len(out) > maxBranching {
			continue
		}
		children := f.children(f.page(p.page))
		if i := slices.Index(children, page); i >= 0 {
			out = append(out, children[i+1:]...)
		}
	}
	return out
}

// owner gives the id and the namespace of a record; an empty id where they are not certain.
func (f *freed) owner(page uint64, r record) (id, ns string) {
	paths := f.paths(page)
	id = r.id()
	for _, p := range paths {
		switch {
		case id == "" && !slices.ContainsFunc(paths, func(o [2]string) bool { return o[0] != p[0] }):
			id, ns = p[0], p[1]
		case p[0] == id && ns == "":
			ns = p[1]
		}
	}
	if ns == "" && (r.extensions[criContainer] != nil || r.extensions[criSandbox] != nil || r.labels["io.cri-containerd.kind"] != "") {
		ns = "k8s.io"
	}
	return id, ns
}

// id is what a record says of itself, where it does.
func (r record) id() string {
	for _, key := range []string{criContainer, criSandbox} {
		if m, err := decodeCRI(r.extensions[key]); err == nil && m.ID != "" {
			return m.ID
		}
	}
	return string(r.fields["snapshotKey"])
}

// paths gives the ids and namespaces under which free pages lead to a page. The namespace is empty where the pages above
// are overwritten.
func (f *freed) paths(page uint64) [][2]string {
	var out [][2]string
	for _, p := range f.up(page) {
		id := [2]string{p.key, ""}
		found := false
		for _, up := range f.named(p.page, "containers") {
			for _, above := range f.up(up) {
				out, found = append(out, [2]string{p.key, above.key}), true
			}
		}
		if !found {
			out = append(out, id)
		}
	}
	return out
}

// named gives the pages that hold the bucket of that name to which a page belongs.
func (f *freed) named(page uint64, name string) []uint64 {
	var out []uint64
	for _, p := range f.up(page) {
		if p.key == name {
			out = append(out, p.page)
		}
	}
	return out
}

// up gives the elements that name the bucket to which a page belongs, through the branches between.
func (f *freed) up(page uint64) []parent {
	var out []parent
	met := map[uint64]bool{page: true}
	next := []uint64{page}
	for range maxUp {
		var above []uint64
		for _, id := range next {
			for _, p := range f.parents[id] {
				if p.key != "" {
					out = append(out, p)
				} else if !met[p.page] && len(met) < maxBranching {
					met[p.page] = true
					above = append(above, p.page)
				}
			}
		}
		next = above
	}
	return out[:min(len(out), maxBranching)]
}

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
