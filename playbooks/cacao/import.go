package cacao

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Finding is something of a CACAO playbook that the language cannot say, or that a person must look at.
type Finding struct {
	Step    string `json:"step,omitempty"` // id of the step of the skeleton where it is noted
	Path    string `json:"path"`           // JSON pointer into the CACAO playbook
	Message string `json:"message"`
	Value   any    `json:"value,omitempty"` // what stands there
}

// Skeleton is what became of a CACAO playbook.
type Skeleton struct {
	Name     string
	Text     []byte // YAML, with each finding as a comment at its step
	Findings []Finding
}

// maxSteps is how many steps a playbook may have to be read.
const maxSteps = 2000

// Import makes a skeleton of a CACAO playbook. What cannot be expressed is listed, and a person is asked to do it by hand.
// The error is a file that is no CACAO playbook.
func Import(raw []byte) (Skeleton, error) {
	v, err := decode(raw)
	if err != nil {
		return Skeleton{}, fmt.Errorf("not readable as JSON: %w", err)
	}
	top := newReader("", v)
	switch {
	case top.text("type") != "playbook":
		return Skeleton{}, errors.New("the file is no CACAO playbook: its type is not playbook")
	case top.text("spec_version") != SpecVersion:
		return Skeleton{}, fmt.Errorf("the playbook is of version %q of CACAO; %s can be read", top.text("spec_version"), SpecVersion)
	}
	im := newImporter(top)
	if len(im.steps) > maxSteps {
		return Skeleton{}, fmt.Errorf("the playbook has %d steps; the limit is %d", len(im.steps), maxSteps)
	}
	return im.skeleton(), nil
}

// importer is one playbook as it is read.
type importer struct {
	top      *reader
	head     words // of our own extension; nil in a playbook of somebody else
	name     string
	phase    string // of the steps that name none
	phased   bool
	steps    map[string]*reader
	taken    map[string]string // steps of CACAO that stand in the skeleton, and the step that they became
	ids      map[string]bool   // of the skeleton
	inputs   map[string]*input // by the variable
	declared []field           // the inputs, as they are written
	circles  []field
	findings []Finding
	placed   map[int]bool    // findings that stand at a step
	named    map[string]bool // agents and targets that a step has named
	remarks  []string        // comments at the top
	depth    int             // of blocks
}

func newImporter(top *reader) *importer {
	im := &importer{
		top: top, steps: map[string]*reader{}, taken: map[string]string{}, ids: map[string]bool{}, inputs: map[string]*input{},
		named: map[string]bool{}, placed: map[int]bool{},
	}
	list := top.object("workflow")
	for _, id := range list.keys() {
		im.steps[id] = list.object(id)
		if im.steps[id].fields == nil {
			im.note("", list.at(id), "this is no step", list.fields[id])
		}
	}
	ext := top.object("playbook_extensions")
	own := ext.object(playbookExtension())
	im.head, _ = own.fields["firebreak_playbook"].(words)
	own.skip("firebreak_playbook", "firebreak_plan_hash")
	im.leftover("", own)
	im.leftover("", ext)
	im.phase = phaseOf(top.texts("playbook_types"))
	im.name = slug(top.text("name"), "-", 40)
	return im
}

// phaseOf is the phase of the response that steps are put in, by the role of their playbook.
func phaseOf(types []string) string {
	of := map[string]string{
		"detection": "identify", "investigation": "identify", "notification": "coordinate", "mitigation": "contain",
		"remediation": "resolve", "prevention": "improve",
	}
	for _, t := range types {
		if phase := of[t]; phase != "" {
			return phase
		}
	}
	return "coordinate"
}

func (im *importer) skeleton() Skeleton {
	im.variables()
	ending := im.top.text("workflow_exception")
	stop := map[string]bool{}
	if ending != "" {
		stop[ending] = true
	}
	main, at := im.block(im.top.text("workflow_start"), stop, true)
	if im.top.text("workflow_start") == "" {
		im.note("", "/workflow_start", "the playbook does not say where it starts", nil)
	}
	last, _ := im.block(ending, nil, true)
	if ending != "" && at != ending {
		im.note("", "/workflow_exception", "the steps under finally run in any case here, and not only on an exception", ending)
	}
	im.unreached()
	im.dropInputs()
	im.unnamed()
	return im.write(main, last)
}

// unreached lists the steps that nothing leads to.
func (im *importer) unreached() {
	for _, id := range slices.Sorted(maps.Keys(im.steps)) {
		r := im.steps[id]
		if _, taken := im.taken[id]; taken || r.fields == nil || r.fields["type"] == "end" && len(r.fields) == 1 {
			continue
		}
		im.note("", r.path, "nothing leads to this step", r.fields)
	}
}

// unnamed lists the agents and targets that no step names, or that our own steps do.
func (im *importer) unnamed() {
	for _, key := range []string{"agent_definitions", "target_definitions"} {
		list := im.top.object(key)
		for _, id := range list.keys() {
			if !im.named[id] {
				im.note("", list.at(id), "no step that could be read names this", list.fields[id])
			}
		}
	}
}

// note lists something.
func (im *importer) note(step, path, message string, value any) {
	im.findings = append(im.findings, Finding{Step: step, Path: path, Message: message, Value: value})
}

// leftover lists the properties of an object that nobody asked for.
func (im *importer) leftover(step string, r *reader) {
	for _, key := range r.rest() {
		im.note(step, r.at(key), fmt.Sprintf("the property %q has no place in the language", key), r.fields[key])
	}
}

// write writes the skeleton.
func (im *importer) write(main, last []*step) Skeleton {
	var t text
	head := im.before()
	im.commented(main)
	im.commented(last)
	for _, line := range im.origin() {
		t.comment(0, line)
	}
	t.WriteString("apiVersion: firebreak/v1\nkind: Playbook\n")
	t.mapping(0, head)
	t.WriteString("\nsteps:")
	if len(main) == 0 {
		t.WriteString(" []")
	}
	t.WriteString("\n")
	t.steps(2, main)
	if len(last) > 0 {
		t.WriteString("\nfinally:\n")
		t.steps(2, last)
	}
	if outputs := im.head["outputs"]; outputs != nil {
		t.WriteString("\n")
		t.field(0, field{"outputs", outputs})
	}
	return Skeleton{Name: im.name, Text: []byte(t.String()), Findings: im.findings}
}

// commented puts each finding at its step.
func (im *importer) commented(list []*step) {
	for _, s := range list {
		for i, f := range im.findings {
			if f.Step == s.id() {
				s.comment("NOT EXPRESSED: %s", f.line())
				im.placed[i] = true
			}
		}
		for _, f := range s.fields {
			switch v := f.value.(type) {
			case []*step:
				im.commented(v)
			case []block:
				for _, b := range v {
					if inner, ok := b[len(b)-1].value.([]*step); ok {
						im.commented(inner)
					}
				}
			}
		}
	}
}

// line is a finding as it is written in a comment.
func (f Finding) line() string {
	if f.Value == nil {
		return f.Message
	}
	if v, ok := f.Value.(string); ok {
		return f.Message + ":\n  " + strings.ReplaceAll(v, "\n", "\n  ")
	}
	return f.Message + ": " + asText(f.Value)
}
