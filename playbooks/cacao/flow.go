package cacao

import (
	"fmt"
	"maps"
	"slices"
)

// block reads the steps from one on, until an end, a step that is done later, or one that cannot be reached from here. It
// gives the id of the step where it came to a stop.
func (im *importer) block(id string, stop map[string]bool, top bool) ([]*step, string) {
	im.depth++
	defer func() { im.depth-- }()
	var out []*step
	for id != "" && !stop[id] {
		r := im.steps[id]
		if r == nil || r.fields == nil {
			im.note(lastID(out), "/workflow", "the step that comes next is not there", id)
			return out, id
		}
		kind := r.text("type")
		if became, twice := im.taken[id]; twice && kind != "end" {
			im.note(lastID(out), r.path, fmt.Sprintf("the playbook goes on at a step that stands elsewhere (%s); such a jump cannot be expressed", became), nil)
			return out, id
		}
		if kind == "end" {
			im.ended(out, id, r)
			return out, id
		}
		var list []*step
		list, id = im.step(id, r, stop, top)
		out = append(out, list...)
	}
	return out, id
}

func lastID(list []*step) string {
	if len(list) == 0 {
		return ""
	}
	id, _ := list[len(list)-1].fields[0].value.(string)
	return id
}

// ended passes over an end. Its name and description become a comment where it stands.
func (im *importer) ended(out []*step, id string, r *reader) {
	if _, twice := im.taken[id]; twice {
		return
	}
	im.taken[id] = "the end"
	for _, key := range []string{"name", "description"} {
		switch about := r.text(key); {
		case about == "":
		case len(out) == 0:
			im.remarks = append(im.remarks, "end: "+about)
		default:
			out[len(out)-1].comment("behind this step comes the end: %s", about)
		}
	}
	im.leftover(lastID(out), r)
}

// with gives stop with one more step.
func with(stop map[string]bool, more ...string) map[string]bool {
	out := maps.Clone(stop)
	if out == nil {
		out = map[string]bool{}
	}
	for _, id := range more {
		if id != "" {
			out[id] = true
		}
	}
	return out
}

// after is the step that follows when one is through.
func after(r *reader) string {
	next := r.text("on_completion")
	if success := r.text("on_success"); success != "" {
		return success
	}
	return next
}

// chain are the steps that follow one another from one on, in order.
func (im *importer) chain(id string) []string {
	var out []string
	for r := im.steps[id]; r != nil && r.fields != nil && r.fields["type"] != "end" && !slices.Contains(out, id); r = im.steps[id] {
		out = append(out, id)
		if id = after(r); id == "" {
			break
		}
	}
	return out
}

// meeting is the first step that all branches come to: many playbooks let branches run into one another.
func (im *importer) meeting(branches []string) string {
	if len(branches) < 2 {
		return ""
	}
	rest := make([]map[string]bool, 0, len(branches))
	for _, b := range branches[1:] {
		rest = append(rest, with(nil, im.chain(b)...))
	}
	for _, id := range im.chain(branches[0]) {
		if !slices.ContainsFunc(rest, func(chain map[string]bool) bool { return !chain[id] }) {
			return id
		}
	}
	return ""
}

// step reads one step, and gives the id of the one behind it.
func (im *importer) step(id string, r *reader, stop map[string]bool, top bool) ([]*step, string) {
	if own, part := im.extension(r); own != nil {
		return im.ours(id, r, own, part, stop, top)
	}
	kind := r.text("type")
	if kind == "start" {
		im.taken[id] = "the start"
		im.remarks = append(im.remarks, "start: "+im.called(r))
		next := after(r)
		im.leftover("", r)
		return nil, next
	}
	s := &step{fields: []field{{"id", im.unique(im.called(r))}}}
	im.taken[id] = s.id()
	im.described(s, id, r)
	if !im.phased && top {
		im.phased = true
		s.set("phase", im.phase)
		s.comment("CACAO knows no phases; %s follows from the playbook's types.", im.phase)
	}
	waits := im.delay(s, r)
	list, next := im.verb(kind, s, r, stop)
	im.leftover(s.id(), r)
	return append(waits, list...), next
}

func (s *step) id() string { return lastID([]*step{s}) }

// called is what a step is called.
func (im *importer) called(r *reader) string {
	if name := r.text("name"); name != "" {
		return name
	}
	return r.text("type")
}

// described keeps what explains a step as comments.
func (im *importer) described(s *step, id string, r *reader) {
	s.comment("CACAO: %s", id)
	for _, key := range []string{"name", "description", "external_references", "owner"} {
		if v, there := r.fields[key]; there {
			r.skip(key)
			s.comment("%s: %s", key, asText(v))
		}
	}
}

func (im *importer) verb(kind string, s *step, r *reader, stop map[string]bool) ([]*step, string) {
	switch kind {
	case "action":
		return im.action(s, r, stop)
	case "if-condition":
		return im.choice(s, r, stop)
	case "switch-condition":
		return im.cases(s, r, stop)
	case "while-condition":
		return im.loop(s, r, stop)
	case "parallel":
		return im.parallel(s, r, stop)
	case "playbook-action":
		r.skip("in_args", "out_args")
		im.note(s.id(), r.at("playbook_id"), "the playbook that is run here is known by this id alone; call it by its name, with call", map[string]any{
			"playbook_id": r.text("playbook_id"), "playbook_version": r.text("playbook_version"), "in_args": r.fields["in_args"], "out_args": r.fields["out_args"],
		})
		im.question(s, "Run the playbook "+r.text("playbook_id")+" by hand", "", im.done(r))
		return im.failing([]*step{s}, s, r, stop)
	}
	im.note(s.id(), r.path, fmt.Sprintf("there is no type of step %q in CACAO %s", kind, SpecVersion), r.fields)
	im.question(s, "Do by hand what this step says", "", done())
	return []*step{s}, after(r)
}
