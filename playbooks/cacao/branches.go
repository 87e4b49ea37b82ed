package cacao

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// choice reads an if. A condition that cannot be expressed is asked of people.
func (im *importer) choice(s *step, r *reader, stop map[string]bool) ([]*step, string) {
	yes, no, next := r.text("on_true"), r.text("on_false"), after(r)
	if next == "" {
		next = im.meeting([]string{yes, no})
	}
	im.onFailure(s, r, next)
	inner := with(stop, next)
	source := r.text("condition")
	var list []*step
	cel, ok := im.condition(source)
	s.comment("condition: %s", source)
	if !ok {
		var q *step
		q, cel = im.yes(s, r, source)
		list = append(list, q)
	}
	then, _ := im.block(yes, inner, false)
	otherwise, _ := im.block(no, inner, false)
	if len(then) == 0 {
		cel, then, otherwise = "!("+cel+")", otherwise, nil
	}
	if len(then) == 0 {
		im.note(s.id(), r.path, "neither branch has a step", source)
		im.question(s, "There is nothing to do here: "+source, "", done())
		return append(list, s), next
	}
	s.set("if", cel)
	s.set("then", then)
	if len(otherwise) > 0 {
		s.set("else", otherwise)
	}
	return append(list, s), next
}

// onFailure lists what would follow the failure of a step that only leads on.
func (im *importer) onFailure(s *step, r *reader, next string) {
	if failure := r.text("on_failure"); failure != "" && failure != next {
		im.note(s.id(), r.at("on_failure"), "what follows the failure of a condition, a loop or of parallel steps cannot be expressed", failure)
	}
}

// loop reads a while: the language repeats one activity, and no steps.
func (im *importer) loop(s *step, r *reader, stop map[string]bool) ([]*step, string) {
	next, source := after(r), r.text("condition")
	im.onFailure(s, r, next)
	im.note(s.id(), r.path, "a loop over steps cannot be expressed: its steps stand here once, to be done again by hand while the condition holds", source)
	q, cel := im.yes(s, r, source)
	body, _ := im.block(r.text("on_true"), with(stop, next), false)
	if len(body) == 0 {
		im.question(s, "There is nothing to repeat here: "+source, "", done())
		return []*step{q, s}, next
	}
	s.set("if", cel)
	s.set("then", body)
	return []*step{q, s}, next
}

// cases reads a switch over a variable.
func (im *importer) cases(s *step, r *reader, stop map[string]bool) ([]*step, string) {
	all := r.object("cases")
	targets := map[string]string{}
	for _, key := range all.keys() {
		if to := all.text(key); to != "" {
			targets[key] = to
		}
	}
	next := after(r)
	if next == "" {
		next = im.meeting(slices.Sorted(maps.Values(targets)))
	}
	im.onFailure(s, r, next)
	inner := with(stop, next)
	var blocks []block
	var nothing []string // conditions of cases without a step
	var list, otherwise []*step
	conditions, q := im.caseConditions(s, r, slices.Sorted(maps.Keys(targets)))
	if q != nil {
		list = append(list, q)
	}
	for _, key := range slices.Sorted(maps.Keys(targets)) {
		steps, _ := im.block(targets[key], inner, false)
		switch {
		case key == "default":
			otherwise = steps
		case len(steps) == 0:
			s.comment("nothing is done in the case %s", key)
			nothing = append(nothing, conditions[key])
		default:
			blocks = append(blocks, block{{"case", conditions[key]}, {"do", steps}})
		}
	}
	im.leftover(s.id(), all)
	im.choose(s, r, blocks, nothing, otherwise)
	return append(list, s), next
}

// choose puts the cases into a step. A case in which nothing is done is none of the language, so that its condition goes
// into what is done otherwise.
func (im *importer) choose(s *step, r *reader, blocks []block, nothing []string, otherwise []*step) {
	if len(nothing) > 0 && len(otherwise) > 0 {
		other := &step{fields: []field{{"id", im.unique("otherwise_" + s.id())}}}
		other.set("if", "!("+strings.Join(nothing, " || ")+")")
		other.set("then", otherwise)
		otherwise = []*step{other}
	}
	switch {
	case len(blocks) > 0:
		s.set("switch", blocks)
		if len(otherwise) > 0 {
			s.set("default", otherwise)
		}
	case len(otherwise) > 0:
		s.set("parallel", otherwise[:1]) // one step: that with the condition, or the branch in order
		if len(otherwise) > 1 {
			s.set("parallel", []*step{im.inOrder(otherwise)})
		}
	default:
		im.note(s.id(), r.path, "no case has a step", r.fields["cases"])
		im.question(s, "There is nothing to do here", "", done())
	}
}

// caseConditions says when each case holds: by the input, or by an answer of people.
func (im *importer) caseConditions(s *step, r *reader, keys []string) (map[string]string, *step) {
	out := map[string]string{}
	source := r.text("switch")
	for _, key := range keys {
		if cel, ok := im.condition(source + " == " + stix(key)); ok && key != "default" {
			out[key] = cel
		}
	}
	named := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return key == "default" })
	if len(out) == len(named) { // also where there is nothing but a default
		return out, nil
	}
	choices := answers(named)
	title := "Which case is it: " + source + "?"
	for i, key := range named {
		if choices[i] != key {
			title += fmt.Sprintf(" %s means %s.", choices[i], key)
		}
	}
	q := im.ask(s, r, "switch", source, title, choices)
	for i, key := range named {
		out[key] = fmt.Sprintf("steps.%s.output.choice == '%s'", q.id(), choices[i])
	}
	return out, q
}

// stix writes a text as a constant of a condition.
func stix(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// answers makes choices of the names of cases, one more for none of them.
func answers(keys []string) []string {
	form := regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)
	var out []string
	for i, key := range keys {
		word := strings.ToLower(key)
		if !form.MatchString(word) || slices.Contains(out, word) || slices.Contains([]string{"hold", "fail", "none-of-these"}, word) {
			word = fmt.Sprintf("case-%d", i+1)
		}
		out = append(out, word)
	}
	return append(out, "none-of-these")
}

// parallel reads steps that run together. A branch of several steps becomes a loop over one item, which holds them in order.
func (im *importer) parallel(s *step, r *reader, stop map[string]bool) ([]*step, string) {
	branches, next := r.texts("next_steps"), after(r)
	if next == "" {
		next = im.meeting(branches)
	}
	im.onFailure(s, r, next)
	var list []*step
	for i, b := range branches {
		steps, _ := im.block(b, with(stop, next), false)
		switch len(steps) {
		case 0:
			s.comment("branch %d has no step: %s", i+1, b)
		case 1:
			list = append(list, steps[0])
		default:
			list = append(list, im.inOrder(steps))
		}
	}
	if len(list) == 0 {
		im.note(s.id(), r.path, "no branch has a step", branches)
		im.question(s, "There is nothing to do here", "", done())
		return []*step{s}, next
	}
	s.set("parallel", list)
	return []*step{s}, next
}

func (im *importer) inOrder(steps []*step) *step {
	id := im.unique("branch_" + steps[0].id())
	one := &step{fields: []field{{"id", id}}}
	one.comment("A branch of several steps: done once, in order.")
	one.set("foreach", map[string]any{"in": "['once']", "as": id + "_item"})
	one.set("do", steps)
	return one
}
