package cacao

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// told are the properties that are kept as comments at the top.
func told() []string {
	return []string{
		"name", "description", "created_by", "created", "modified", "derived_from", "related_to", "labels", "industry_sectors",
		"playbook_types", "playbook_activities", "priority", "severity", "impact", "external_references", "playbook_processing_summary",
	}
}

// rest lists the properties of the playbook that have no place.
func (im *importer) rest() {
	im.top.skip("id")
	im.top.skip(told()...)
	im.leftover("", im.top)
}

// origin are the comments at the top: where the playbook is from, and what has no step.
func (im *importer) origin() []string {
	top := im.top
	out := []string{"Made from the CACAO playbook " + top.text("id") + ". Steps that CACAO cannot hand over are questions to people."}
	for _, key := range told() {
		if v, there := top.fields[key]; there {
			top.skip(key)
			out = append(out, key+": "+asText(v))
		}
	}
	out = append(out, im.remarks...)
	for i, f := range im.findings {
		if !im.placed[i] {
			out = append(out, "NOT EXPRESSED: "+f.Path+": "+f.line())
		}
	}
	return out
}

// flagFalse takes a boolean as read where it says nothing.
func (r *reader) flagFalse(key string) {
	if r.fields[key] == false {
		r.skip(key)
	}
}

// extensions passes over what only explains our own extensions.
func (im *importer) extensions() {
	all := im.top.object("extension_definitions")
	all.skip(playbookExtension(), stepExtension(), runExtension())
	im.leftover("", all)
}

// before are the fields of the skeleton before its steps.
func (im *importer) before() []field {
	im.top.flagFalse("revoked")
	im.extensions()
	defer im.rest()
	if im.head != nil {
		return im.own()
	}
	title := strings.TrimSpace(im.top.text("name"))
	out := []field{{"metadata", []field{{"name", im.name}, {"version", "1.0.0"}, {"title", title}}}}
	if title == "" {
		out = []field{{"metadata", []field{{"name", im.name}, {"version", "1.0.0"}}}}
	}
	if len(im.declared) > 0 {
		out = append(out, field{"inputs", im.declared})
	}
	if len(im.circles) > 0 {
		out = append(out, field{"approvers", im.circles})
	}
	return out
}

// own are the fields that our own extension kept.
func (im *importer) own() []field {
	var out []field
	for _, key := range []string{"metadata", "inputs", "triggers", "dedup", "guards", "approvers", "slo"} {
		v, there := im.head[key]
		if !there {
			continue
		}
		if key == "triggers" {
			v = im.alerts(v)
		}
		if circles, ok := v.(words); ok && key == "approvers" {
			v = im.joined(circles)
		}
		out = append(out, field{key, v})
	}
	if _, there := im.head["approvers"]; !there && len(im.circles) > 0 {
		out = append(out, field{"approvers", im.circles})
	}
	for _, key := range newReader("", im.head).keys() {
		v := im.head[key]
		if !slices.Contains([]string{"metadata", "inputs", "triggers", "dedup", "guards", "approvers", "slo", "outputs"}, key) {
			im.note("", "/playbook_extensions/"+playbookExtension()+"/firebreak_playbook/"+key, "the language has no such key", v)
		}
	}
	return out
}

// joined adds the circles that questions of the import ask.
func (im *importer) joined(known words) []field {
	var out []field
	for _, key := range newReader("", known).keys() {
		out = append(out, field{key, known[key]})
	}
	for _, c := range im.circles {
		if known[c.key] == nil {
			out = append(out, c)
		}
	}
	return out
}

// alerts takes the alerts out of schedules: in the language they stand in files of their own.
func (im *importer) alerts(v any) any {
	list, _ := v.([]any)
	for i, item := range list {
		t, _ := item.(words)
		if alert, there := t["alert"].(words); there {
			file := fmt.Sprintf("%v.json", t["id"])
			im.note("", fmt.Sprintf("/playbook_extensions/%s/firebreak_playbook/triggers/%d/alert", playbookExtension(), i),
				"save this alert as "+file+", beside the playbook", alert)
			t["alert"] = file
		}
	}
	return v
}

// slug makes a name of small letters and digits out of any text.
func slug(from, dash string, most int) string {
	out := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(from), dash)
	out = strings.Trim(out, dash)
	if len(out) > most {
		out = strings.Trim(out[:most], dash)
	}
	if out == "" {
		return "imported"
	}
	return out[:min(len(out), plan.MaxName)]
}

// unique makes an id of the skeleton that no other step has.
func (im *importer) unique(from string) string {
	id := slug(from, "_", 40)
	if id[0] >= '0' && id[0] <= '9' || slices.Contains([]string{"status", "error", "output", "items", "true", "false", "null", "in"}, id) {
		id = "step_" + id
	}
	for n, base := 2, id; im.ids[id]; n++ {
		id = fmt.Sprintf("%s_%d", base, n)
	}
	im.ids[id] = true
	return id
}
