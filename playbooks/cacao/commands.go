package cacao

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"
)

// action reads an action: a question for each of its commands.
func (im *importer) action(s *step, r *reader, stop map[string]bool) ([]*step, string) {
	agent := r.text("agent")
	im.who(s, r, agent)
	for _, key := range []string{"in_args", "out_args"} {
		if list := r.texts(key); len(list) > 0 {
			s.comment("%s: %s", key, strings.Join(list, ", "))
		}
	}
	list := []*step{s}
	commands := r.list("commands")
	for i, raw := range commands {
		one := s
		if i > 0 {
			one = &step{fields: []field{{"id", im.unique(s.id())}}}
			list = append(list, one)
		}
		im.command(one, newReader(fmt.Sprintf("%s/%d", r.at("commands"), i), raw), agent, im.called(r), im.done(r))
		im.timeout(one, r)
	}
	if len(commands) == 0 {
		im.note(s.id(), r.at("commands"), "the action has no command", nil)
		im.question(s, im.called(r), agent, im.done(r))
	}
	return im.failing(list, s, r, stop)
}

// who says on whom and what the action is, where these are no people.
func (im *importer) who(s *step, r *reader, agent string) {
	agents, _ := im.top.fields["agent_definitions"].(map[string]any)
	targets, _ := im.top.fields["target_definitions"].(map[string]any)
	im.named[agent] = true
	if v, there := agents[agent]; there {
		switch newReader("", v).text("type") {
		case "individual", "group", "organization":
		default:
			im.note(s.id(), "/agent_definitions/"+agent, "this agent is no circle of people", v)
		}
	}
	for _, id := range r.texts("targets") {
		im.named[id] = true
		im.note(s.id(), "/target_definitions/"+id, "the language names targets in an activity's input", targets[id])
	}
}

// command makes a question of a command. Only manual ones are meant for people; any other is listed.
func (im *importer) command(s *step, r *reader, agent, name string, choices []string) {
	kind := r.text("type")
	body := r.text("command")
	if b64 := r.text("command_b64"); b64 != "" && body == "" {
		body = im.decoded(s, r, b64)
	}
	description := r.text("description")
	r.skip("version", "playbook_activity", "external_references")
	for _, key := range []string{"version", "playbook_activity", "external_references"} {
		if v, there := r.fields[key]; there {
			s.comment("%s: %s", key, asText(v))
		}
	}
	if kind == "manual" {
		im.manual(s, body, description, name, agent, choices)
	} else {
		im.note(s.id(), r.path, fmt.Sprintf("a command of type %q cannot be expressed", kind), body)
		if description != "" {
			s.comment("command: %s", description)
		}
		im.question(s, fmt.Sprintf("Do by hand what the %s command of this step says: %s", kind, name), agent, choices)
	}
	im.leftover(s.id(), r)
}

func (im *importer) manual(s *step, body, description, name, agent string, choices []string) {
	title := body
	if title == "" {
		title = description
	} else if description != "" && description != body {
		s.comment("command: %s", description)
	}
	if title == "" {
		title = name
	}
	im.question(s, title, agent, choices)
}

// decoded reads a command in base64.
func (im *importer) decoded(s *step, r *reader, b64 string) string {
	raw, err := base64.StdEncoding.DecodeString(b64)
	if err != nil || !utf8.Valid(raw) {
		im.note(s.id(), r.at("command_b64"), "this is no text in base64", b64)
		return ""
	}
	return string(raw)
}

// failing adds what follows a failure. A person says whether the work has failed.
func (im *importer) failing(list []*step, s *step, r *reader, stop map[string]bool) ([]*step, string) {
	next, failure := after(r), r.text("on_failure")
	if failure == "" || failure == next {
		return list, next
	}
	onward := im.chain(next)
	steps, at := im.block(failure, with(stop, onward...), false)
	switch reached := im.steps[at]; {
	case at == next || at == "":
	case at == im.top.fields["workflow_exception"] || reached != nil && reached.fields["type"] == "end" && next != "":
		steps = append(steps, im.halt(s, r))
	default:
		im.note(s.id(), r.at("on_failure"), "after a failure the playbook goes on at another step than after a success; here it goes on at the next one", at)
	}
	if len(steps) == 0 {
		return list, next
	}
	branch := &step{fields: []field{{"id", im.unique(s.id() + "_failed")}}}
	branch.set("if", im.anyFailed(list))
	branch.set("then", steps)
	return append(list, branch), next
}

// halt ends the run where a branch of failure ends the playbook.
func (im *importer) halt(s *step, r *reader) *step {
	if im.depth > 1 {
		im.note(s.id(), r.at("on_failure"), "after a failure CACAO leaves this branch alone; here the whole run is stopped", nil)
	}
	return &step{fields: []field{{"id", im.unique("stop_" + s.id())}, {"stop", []field{{"outcome", "unsuccessful"}, {"reason", s.id() + " failed"}}}}}
}

func (im *importer) anyFailed(list []*step) string {
	var out []string
	for _, s := range list {
		out = append(out, fmt.Sprintf("steps.%s.output.choice == 'failed'", s.id()))
	}
	return strings.Join(out, " || ")
}
