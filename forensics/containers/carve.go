package containers

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
)

// carveMark stands before the CRI plugin's metadata in a record: the type in the protobuf message around it.
const carveMark = "github.com/containerd/cri/pkg/store/"

const (
	carveStep = 1 << 20 // bytes searched at once
	maxMarks  = 4 * maxRecovered
)

// carved gives containers whose metadata of the CRI plugin lies in free pages that are no pages any more, or behind the
// elements of a page in use, where bolt may leave bytes of an older one.
func (l *lister) carved(s *store, f *freed) []Container {
	var out []Container
	for _, at := range f.marks() {
		m, sandbox, ok := f.carve(at)
		if !ok || l.ctx.Err() != nil {
			continue
		}
		c := s.gone(f, m.ID, uint64(at/f.pageSize))
		c.Labels = clipLabels(m.Config.Labels)
		c.fromLabels()
		c.fromCRI(m, sandbox)
		out = append(out, c)
	}
	return out
}

// gone is a Kubernetes container of which only a part of the record is left.
func (s *store) gone(f *freed, id string, page uint64) Container {
	return Container{
		ID: clip(id), Namespace: "k8s.io", Runtime: string(Containerd), Source: s.meta, Snapshotter: overlaySnapshotter, Snapshot: clip(id),
		Deleted: !f.damaged, Recovered: true, Page: page,
	}
}

// marks gives the places of the mark in the file that the tree does not read.
func (f *freed) marks() []int64 {
	var out []int64
	b := make([]byte, carveStep+len(carveMark))
	for from := int64(0); from < f.size && len(out) < maxMarks; from += carveStep {
		n, _ := f.r.ReadAt(b, from)
		for at := 0; ; {
			i := bytes.Index(b[at:n], []byte(carveMark))
			if i < 0 || at+i >= carveStep {
				break
			}
			at += i
			page := uint64((from + int64(at)) / f.pageSize)
			if page > 1 && (!f.live[page] || from+int64(at) >= f.used[page]) {
				out = append(out, from+int64(at))
			}
			at += len(carveMark)
		}
	}
	return out
}

// carve reads the metadata behind a mark: the rest of the protobuf message.
func (f *freed) carve(at int64) (m criMetadata, sandbox, ok bool) {
	head := make([]byte, len(carveMark)+len("container/Metadata")+1+binary.MaxVarintLen64)
	n, _ := f.r.ReadAt(head, at)
	rest := head[len(carveMark):max(n, len(carveMark))]
	kind, rest, found := bytes.Cut(rest, []byte("/Metadata\x12"))
	sandbox = string(kind) == "sandbox"
	length, width := binary.Uvarint(rest)
	if !found || !sandbox && string(kind) != "container" || width <= 0 || length > maxJSON {
		return m, false, false
	}
	if f.bytes -= int64(length); f.bytes < 0 {
		return m, false, false
	}
	raw := make([]byte, length)
	if _, err := f.r.ReadAt(raw, at+int64(n-len(rest)+width)); err != nil {
		return m, false, false
	}
	var v versioned
	if err := json.Unmarshal(raw, &v); err != nil {
		return m, false, false
	}
	return v.Metadata, sandbox, v.Version == "v1" && v.Metadata.ID != ""
}
