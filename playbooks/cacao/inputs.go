package cacao

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// variables makes inputs of the variables that a run is given. Those that steps give cannot be read: people do the steps.
func (im *importer) variables() {
	list := im.top.object("playbook_variables")
	if im.head != nil {
		return
	}
	given := im.given()
	for _, name := range list.keys() {
		im.variable(list.object(name), name, given[name])
	}
	im.leftover("", list)
	for _, id := range slices.Sorted(maps.Keys(im.steps)) {
		im.local(im.steps[id], given)
	}
}

// local reads the variables of a step as those of the playbook, where no other has their name.
func (im *importer) local(r *reader, given map[string]bool) {
	list := r.object("step_variables")
	for _, name := range list.keys() {
		if im.inputs[name] != nil {
			im.note("", list.at(name), "another variable has this name", list.fields[name])
			list.skip(name)
			continue
		}
		im.variable(list.object(name), name, given[name])
	}
	im.leftover("", list)
}

// given are the variables that steps give their values.
func (im *importer) given() map[string]bool {
	out := map[string]bool{}
	for _, r := range im.steps {
		list, _ := r.fields["out_args"].([]any)
		for _, item := range list {
			name, _ := item.(string)
			out[name] = true
		}
	}
	return out
}

func (im *importer) variable(r *reader, name string, given bool) {
	kinds := map[string]string{"bool": "boolean", "integer": "integer", "long": "integer", "float": "number"}
	kind := kinds[r.text("type")]
	if kind == "" {
		kind = "string"
	}
	if given || slices.Contains([]string{"dictionary", "list"}, r.text("type")) {
		im.note("", r.path, "a variable that a step gives its value, or that is no plain value, is no input", r.fields)
		return
	}
	in := &input{name: im.inputName(name), kind: kind, from: r}
	im.inputs[name] = in
	out := []field{{"type", kind}}
	if text := r.text("value"); text != "" || kind == "string" && r.seen["value"] {
		out = append(out, field{"default", im.value(r, kind, text)})
	} else {
		out = append(out, field{"required", true})
	}
	if r.fields["value"] == nil {
		r.skip("value")
	}
	doc := strings.TrimSpace(r.text("description") + " (CACAO: " + name + ", " + r.text("type") + ")")
	out = append(out, field{"doc", doc})
	r.flag("external")
	if r.flag("constant") {
		im.note("", r.at("constant"), "an input is never changed by a run, but whoever starts one may choose it", true)
	}
	im.leftover("", r)
	im.declared = append(im.declared, field{in.name, out})
}

// value reads the value of a variable, which CACAO writes as text.
func (im *importer) value(r *reader, kind, text string) any {
	var err error
	switch kind {
	case "string":
		return text
	case "boolean":
		var v bool
		if v, err = strconv.ParseBool(strings.ToLower(text)); err == nil {
			return v
		}
	case "integer":
		var v int64
		if v, err = strconv.ParseInt(text, 10, 64); err == nil {
			return v
		}
	}
	if json.Valid([]byte(text)) && kind == "number" {
		return json.Number(text)
	}
	im.note("", r.at("value"), "this is no "+kind, text)
	return map[string]any{"boolean": false, "integer": 0, "number": 0}[kind]
}

func (im *importer) inputName(variable string) string {
	name := regexp.MustCompile(`[^A-Za-z0-9_]`).ReplaceAllString(strings.Trim(variable, "_"), "_")
	if !regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`).MatchString(name) || slices.Contains(celWords(), name) {
		name = "v_" + name
	}
	for n, base := 2, name; slices.ContainsFunc(im.declared, func(f field) bool { return f.key == name }); n++ {
		name = base + "_" + strconv.Itoa(n)
	}
	return name
}

// celWords are the words that CEL cannot read as the name of a field.
func celWords() []string {
	return []string{
		"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
		"namespace", "return", "var", "void", "while",
	}
}

// dropInputs lists the inputs that nothing reads: the language wants none that is given in vain.
func (im *importer) dropInputs() {
	for _, name := range slices.Sorted(maps.Keys(im.inputs)) {
		in := im.inputs[name]
		if in.used {
			continue
		}
		i := slices.IndexFunc(im.declared, func(f field) bool { return f.key == in.name })
		im.note("", in.from.path, "nothing that could be expressed reads this variable, so it is no input", in.from.fields)
		im.declared = slices.Delete(im.declared, i, i+1)
	}
}
