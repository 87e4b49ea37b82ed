package cacao

import (
	"fmt"
	"maps"
	"slices"
)

// extension gives what our own extension says of a step.
func (im *importer) extension(r *reader) (words, string) {
	ext := r.object("step_extensions")
	own := ext.object(stepExtension())
	im.leftover("", ext)
	if own.fields == nil {
		return nil, ""
	}
	out, _ := own.fields["firebreak_step"].(words)
	own.skip("firebreak_step", "firebreak_path")
	part := own.text("firebreak_part")
	im.leftover("", own)
	if id, _ := out["id"].(string); id == "" && part != caught {
		return nil, ""
	}
	return out, part
}

// ours reads a step that Firebreak wrote: its text stands in the extension, and the steps inside of it in the workflow.
func (im *importer) ours(id string, r *reader, own words, part string, stop map[string]bool, top bool) ([]*step, string) {
	s := &step{}
	name, _ := own["id"].(string)
	s.set("id", name)
	im.ids[name], im.taken[id] = true, name
	for _, key := range slices.Sorted(maps.Keys(own)) {
		s.set(key, own[key])
	}
	if s.has("phase") || top {
		im.phased = true
	}
	next, inner := after(r), r
	if part == choose {
		if inner = im.steps[r.text("on_true")]; inner == nil {
			im.note(name, r.at("on_true"), "the step under this condition is not there", nil)
			return []*step{s}, next
		}
		im.taken[r.text("on_true")] = name
	}
	im.known(r)
	im.known(inner)
	if inner.fields["type"] == "action" {
		im.edited(s, inner, own)
	}
	im.inside(s, inner, own, stop)
	im.catches(s, inner, stop)
	im.leftover(name, r)
	if inner != r {
		im.leftover(name, inner)
	}
	return []*step{s}, next
}

// known passes over what follows from the step's own text.
func (im *importer) known(r *reader) {
	for _, id := range append(r.texts("targets"), r.text("agent")) {
		im.named[id] = true
	}
	r.skip("type", "name", "description", "timeout", "commands", "agent", "targets", "in_args", "out_args", "condition", "switch", "playbook_id",
		"on_completion", "on_success", "on_true", "step_extensions")
}

// edited lists the commands of a step that somebody has changed since: its text in the extension counts.
func (im *importer) edited(s *step, r *reader, own words) {
	list, _ := r.fields["commands"].([]any)
	if own["uses"] == nil {
		return
	}
	for i, raw := range list {
		one, _ := raw.(words)
		if i == 0 && one["command"] == own["uses"] {
			continue
		}
		im.note(s.id(), fmt.Sprintf("%s/%d", r.at("commands"), i), "the extension says otherwise, and counts", raw)
	}
}

// inside reads the steps inside of one that Firebreak wrote.
func (im *importer) inside(s *step, r *reader, own words, stop map[string]bool) {
	has := func(key string) bool { return own[key] != nil }
	switch {
	case has("while"):
		if body := im.steps[r.text("on_true")]; body != nil {
			im.taken[r.text("on_true")] = s.id()
			im.known(body)
			im.edited(s, body, own)
		}
	case has("foreach"):
		im.put(s, "do", r.text("on_true"), stop)
	case has("switch"):
		im.ourCases(s, r, own["switch"], stop)
	case r.text("type") == "parallel":
		var list []*step
		for _, b := range r.texts("next_steps") {
			steps, _ := im.block(b, stop, false)
			list = append(list, steps...)
		}
		s.set("parallel", list)
	case r.text("type") == "if-condition":
		im.put(s, "then", r.text("on_true"), stop)
		im.put(s, "else", r.text("on_false"), stop)
	}
}

// put reads a block of steps into a key.
func (im *importer) put(s *step, key, from string, stop map[string]bool) {
	if steps, _ := im.block(from, stop, false); len(steps) > 0 {
		s.set(key, steps)
	}
}

func (im *importer) ourCases(s *step, r *reader, conditions any, stop map[string]bool) {
	list, _ := conditions.([]any)
	all := r.object("cases")
	var blocks []block
	for i, c := range list {
		one, _ := c.(words)
		steps, _ := im.block(all.text(fmt.Sprintf("case_%d", i+1)), stop, false)
		blocks = append(blocks, block{{"case", one["case"]}, {"do", steps}})
	}
	s.set("switch", blocks)
	im.put(s, "default", all.text("default"), stop)
	im.leftover(s.id(), all)
}

// catches reads what takes the failure of a step that Firebreak wrote.
func (im *importer) catches(s *step, r *reader, stop map[string]bool) {
	var blocks []block
	next := after(r)
	for id := r.text("on_failure"); id != ""; {
		c := im.steps[id]
		if c == nil || c.fields == nil {
			im.note(s.id(), r.at("on_failure"), "the step that follows a failure is not there", id)
			break
		}
		own, part := im.extension(c)
		if part != caught {
			steps, _ := im.block(id, with(stop, next), false)
			blocks = append(blocks, block{{"do", steps}})
			break
		}
		im.taken[id] = s.id()
		im.known(c)
		steps, _ := im.block(c.text("on_true"), stop, false)
		blocks = append(blocks, block{{"when", own["when"]}, {"do", steps}})
		id = c.text("on_false")
	}
	if len(blocks) > 0 {
		s.set("catch", blocks)
	}
}
