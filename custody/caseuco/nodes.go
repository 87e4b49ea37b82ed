package caseuco

import (
	"crypto/sha1" // names are made with it, and nothing is proven
	"fmt"
	"path"
	"time"
)

// node is a JSON-LD object; JSON sorts its keys.
type node map[string]any

func (n node) ref() node { return node{"@id": n["@id"]} }

// base is what the names of nodes begin with.
const base = "https://github.com/firebreak-ir/firebreak/kb/"

func context() node {
	const uco = "https://ontology.unifiedcyberontology.org/uco/"
	return node{
		"case-investigation": "https://ontology.caseontology.org/case/investigation/", "kb": base,
		"uco-action": uco + "action/", "uco-core": uco + "core/", "uco-identity": uco + "identity/",
		"uco-observable": uco + "observable/", "uco-tool": uco + "tool/", "uco-types": uco + "types/",
		"xsd": "http://www.w3.org/2001/XMLSchema#",
	}
}

// writer makes the nodes of one case. A node's name follows from the case and from what it stands for.
type writer struct {
	id     string
	images map[string]bool // paths of the images among the evidence
}

func (w *writer) node(kind, name, class string, more node) node {
	n := node{"@id": fmt.Sprintf("kb:%s-%s", kind, w.uuid(kind, name)), "@type": class}
	for key, value := range more {
		n[key] = value
	}
	return n
}

// uuid is one of version 5 (RFC 9562, section 5.5), which CASE asks for: it follows from a name, and hides nothing.
func (w *writer) uuid(kind, name string) string {
	h := sha1.New()                                                                     // as the version says
	h.Write([]byte("\x6b\xa7\xb8\x11\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8")) // the name space of URLs
	fmt.Fprintf(h, "%s%q/%s/%q", base, w.id, kind, name)
	u := h.Sum(nil)[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// action gives the action of a step and all nodes that belong to it, itself first.
func (w *writer) action(s step, investigation, tool, performer node) (action node, all []node) {
	action = w.node("action", s.Step, "case-investigation:InvestigativeAction", node{
		"uco-core:name": s.Step, "uco-action:actionStatus": s.Status, "uco-action:instrument": tool, "uco-action:performer": performer,
		"uco-action:startTime": moment(s.Started),
	})
	put(action, "uco-core:description", s.Summary)
	if s.Activity != "" {
		action["uco-core:tag"] = []string{"activity " + s.Activity, "phase " + s.Phase}
	}
	if !s.Ended.IsZero() {
		action["uco-action:endTime"] = moment(s.Ended)
	}
	all = []node{action}
	var results []node
	for _, f := range s.files {
		made := w.file(f)
		all, results = append(all, made...), append(results, made[0].ref())
	}
	object := w.object(s, investigation)
	if object["@type"] == snapshotClass {
		all = append(all, object)
	}
	action["uco-action:object"] = object.ref()
	if len(results) == 0 {
		return action, all
	}
	action["uco-action:result"] = results
	return action, append(all, w.node("provenance", s.Step, "case-investigation:ProvenanceRecord", node{
		"uco-core:description": "what step " + s.Step + " entered in the custody log", "uco-core:object": append([]node{action.ref()}, results...),
	}))
}

const snapshotClass = "uco-observable:ObservableObject"

// object is what a step worked on: a snapshot, an image that lies beside its files, or the case as a whole.
func (w *writer) object(s step, investigation node) node {
	snapshot, image := s.object()
	switch {
	case snapshot != "":
		return w.node("snapshot", snapshot, snapshotClass, node{"uco-core:name": snapshot})
	case w.images[image]:
		return w.node("file", image, "uco-observable:File", nil)
	}
	return investigation
}

// file gives the nodes of a piece of evidence, the file itself first.
func (w *writer) file(f File) []node {
	hash := w.node("hash", f.Path, "uco-types:Hash", node{
		"uco-types:hashMethod": "SHA256", "uco-types:hashValue": node{"@type": "xsd:hexBinary", "@value": f.SHA256},
	})
	content := w.node("content", f.Path, "uco-observable:ContentDataFacet", node{
		"uco-observable:hash": hash.ref(), "uco-observable:sizeInBytes": f.Size,
	})
	name := w.node("name", f.Path, "uco-observable:FileFacet", node{
		"uco-observable:fileName": path.Base(f.Path), "uco-observable:filePath": f.Path, "uco-observable:sizeInBytes": f.Size,
	})
	file := w.node("file", f.Path, "uco-observable:File", node{
		"uco-core:hasFacet": []node{name.ref(), content.ref()}, "uco-core:objectCreatedTime": moment(f.Logged),
	})
	put(file, "uco-core:description", f.Kind)
	return []node{file, name, content, hash}
}

func moment(t time.Time) node {
	return node{"@type": "xsd:dateTime", "@value": t.UTC().Format(time.RFC3339Nano)}
}

func put(n node, key, text string) {
	if text != "" {
		n[key] = text
	}
}
