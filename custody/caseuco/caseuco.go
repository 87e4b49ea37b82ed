// Package caseuco writes a case in CASE/UCO 1.4 (JSON-LD): the investigation, its actions with tools and times, and the
// files that came of them with their provenance. It opens no file.
package caseuco

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"time"
)

// Case is what is written.
type Case struct {
	ID           string
	Agent        string // name and version of the program that acted
	Organization string // on whose behalf it acted; empty: not known
	Actions      []Action
	Files        []File
}

// Action is one step of the response. Steps that are known by their files alone need none: the files' times are then theirs.
type Action struct {
	Step     string    `json:"step"`
	Phase    string    `json:"phase"`
	Activity string    `json:"activity"`
	Status   string    `json:"status"` // one of CASE's, such as Success
	Summary  string    `json:"summary"`
	Started  time.Time `json:"started"`
	Ended    time.Time `json:"ended"`
}

// Statuses of actions, of UCO's ActionStatusTypeVocab.
const (
	Success = "Success"
	Fail    = "Fail"
	Ongoing = "Ongoing"
	Unknown = "Unknown"
)

// File is a piece of evidence.
type File struct {
	Path   string
	Kind   string
	SHA256 string // in hex
	Size   int64  // in bytes
	Step   string // of the action that made it
	Logged time.Time
}

// imageName is what the image of a disk is called; its folder is called as its snapshot, and what lies beside it was made
// from it.
const imageName = "image.raw"

// Write gives the document, the same for the same case.
func (c Case) Write() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	if err := e.Encode(node{"@context": context(), "@graph": c.graph()}); err != nil {
		return nil, fmt.Errorf("write the case file: %w", err)
	}
	return b.Bytes(), nil
}

// graph lists the nodes: the investigation, who acted with what, and each action with its files.
func (c Case) graph() []node {
	w := &writer{id: c.ID, images: map[string]bool{}}
	for _, f := range c.Files {
		if path.Base(f.Path) == imageName {
			w.images[f.Path] = true
		}
	}
	tool := w.node("tool", c.Agent, "uco-tool:Tool", node{"uco-core:name": c.Agent})
	performer := tool.ref()
	nodes := []node{tool}
	if c.Organization != "" {
		who := w.node("organization", c.Organization, "uco-identity:Organization", node{"uco-core:name": c.Organization})
		performer, nodes = who.ref(), append(nodes, who)
	}
	investigation := w.node("investigation", c.ID, "case-investigation:Investigation", node{
		"uco-core:name": c.ID, "case-investigation:focus": "Incident response",
	})
	parts := []node{}
	for _, s := range c.steps() {
		action, made := w.action(s, investigation, tool.ref(), performer)
		nodes, parts = append(nodes, made...), append(parts, action.ref())
		for _, n := range made {
			if n["@type"] == "case-investigation:ProvenanceRecord" {
				parts = append(parts, n.ref())
			}
		}
	}
	if len(parts) > 0 {
		investigation["uco-core:object"] = parts
	}
	return append([]node{investigation}, nodes...)
}

// step is an action with its files.
type step struct {
	Action
	files []File
}

// steps joins actions and files, in the order of their starts.
func (c Case) steps() []step {
	var out []step
	at := map[string]int{}
	for _, a := range c.Actions {
		if _, twice := at[a.Step]; twice {
			continue
		}
		at[a.Step] = len(out)
		out = append(out, step{Action: a})
	}
	for _, f := range c.Files {
		i, known := at[f.Step]
		if !known {
			i, at[f.Step] = len(out), len(out)
			out = append(out, step{Action: Action{Step: f.Step, Status: Success, Started: f.Logged, Ended: f.Logged}})
		}
		out[i].files = append(out[i].files, f)
		if !known || c.Actions == nil {
			out[i].Ended = f.Logged
		}
	}
	slices.SortStableFunc(out, func(a, b step) int { return a.Started.Compare(b.Started) })
	return out
}

// object tells what a step looked at: the snapshot where it made an image, the image where its files lie beside one.
func (s step) object() (snapshot, image string) {
	for _, f := range s.files {
		dir, name := path.Split(f.Path)
		if name == imageName {
			return path.Base(dir), ""
		}
		image = dir + imageName
	}
	return "", image
}
