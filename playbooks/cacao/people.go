package cacao

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// everybody is the circle that is asked where an agent names no people.
const everybody = "responders"

func done() []string { return []string{"done", "not-done"} }

// done are the answers to a task. Where the playbook says what follows a failure, one of them means it.
func (im *importer) done(r *reader) []string {
	if failure := r.text("on_failure"); failure != "" && failure != after(r) {
		return []string{"done", "failed"}
	}
	return done()
}

// question makes an approval of a step.
func (im *importer) question(s *step, title, agent string, choices []string) {
	if strings.TrimSpace(title) == "" {
		title = "Do what this step says"
	}
	s.set("approve", []field{{"title", im.filled(title)}, {"from", im.circle(agent)}, {"choices", choices}})
}

// filled writes a text of CACAO as a template: variables that are inputs are filled in.
func (im *importer) filled(text string) string {
	variable := regexp.MustCompile(`__[a-zA-Z_][a-zA-Z0-9_-]*?__:value`)
	return variable.ReplaceAllStringFunc(escape(text), func(found string) string {
		in := im.inputs[strings.TrimSuffix(found, ":value")]
		if in == nil {
			return found
		}
		in.used = true
		return hole("inputs." + in.name)
	})
}

// circle names the people behind an agent.
func (im *importer) circle(agent string) string {
	definitions, _ := im.top.fields["agent_definitions"].(map[string]any)
	im.named[agent] = true
	r := newReader("/agent_definitions/"+agent, definitions[agent])
	name, kind := r.text("name"), r.text("type")
	switch kind {
	case "individual", "group", "organization":
	default:
		name = everybody
	}
	circle := slug(name, "-", 32)
	if circle[0] >= '0' && circle[0] <= '9' {
		circle = "agent-" + circle
	}
	for _, known := range im.circles {
		if known.key == circle {
			return circle
		}
	}
	who := field{"groups", []string{circle}}
	if kind == "individual" {
		who = field{"subjects", []string{name}}
	}
	im.circles = append(im.circles, field{circle, []field{who}})
	if _, there := definitions[agent]; there && circle != everybody {
		im.note("", r.path, "name the people of "+circle+" as your identity provider knows them", definitions[agent])
	}
	return circle
}

// delay makes a step that waits before one that CACAO delays.
func (im *importer) delay(s *step, r *reader) []*step {
	pause := time.Duration(r.number("delay")) * time.Millisecond
	switch {
	case pause == 0:
		return nil
	case pause < time.Second || pause > 90*24*time.Hour:
		im.note(s.id(), r.at("delay"), "a wait is from 1s to 2160h", pause.String())
		return nil
	}
	wait := &step{fields: []field{{"id", im.unique("wait_before_" + s.id())}}}
	if s.has("phase") {
		wait.set("phase", im.phase)
	}
	wait.set("wait", syntax.Short(pause.Round(time.Second)))
	return []*step{wait}
}

// timeout reads how long people may take.
func (im *importer) timeout(s *step, r *reader) {
	limit := time.Duration(r.number("timeout")) * time.Millisecond
	switch {
	case limit == 0:
	case limit < time.Second || limit > 90*24*time.Hour:
		im.note(s.id(), r.at("timeout"), "a timeout is from 1s to 2160h", limit.String())
	default:
		for i, f := range s.fields {
			if approve, ok := f.value.([]field); ok && f.key == "approve" {
				s.fields[i].value = append(approve, field{"timeout", syntax.Short(limit.Round(time.Second))}, field{"onTimeout", "hold"})
			}
		}
	}
}

// ask makes a step that asks people whether a condition holds.
func (im *importer) ask(of *step, r *reader, key, source, title string, choices []string) *step {
	q := &step{fields: []field{{"id", im.unique("ask_" + of.id())}}}
	if of.has("phase") {
		q.set("phase", im.phase)
	}
	im.note(q.id(), r.at(key), "this is not expressible as a condition on the playbook's inputs, so people are asked", source)
	im.question(q, title, "", choices)
	return q
}

// yes asks people a condition that cannot be expressed, and gives a condition on their answer.
func (im *importer) yes(of *step, r *reader, source string) (*step, string) {
	q := im.ask(of, r, "condition", source, fmt.Sprintf("Does this hold: %s", source), []string{"yes-it-does", "no-it-does-not"})
	return q, fmt.Sprintf("steps.%s.output.choice == 'yes-it-does'", q.id())
}
