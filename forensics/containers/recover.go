package containers

import (
	"slices"
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
