package cacao

import (
	"slices"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Options say what a plan does not.
type Options struct {
	Created  time.Time
	Modified time.Time // the version of the playbook, for CACAO
	// Summary says in one sentence what an activity does; nil: nothing is said.
	Summary func(activity string) string
}

// Export writes a plan as a playbook of CACAO. The same plan and options give the same playbook.
func Export(p plan.Plan, o Options) Playbook {
	b := &builder{plan: p, options: o, names: map[string]string{}}
	b.out = Playbook{
		Type: "playbook", SpecVersion: SpecVersion, Name: p.Name, Description: p.Title,
		Types: types(p), CreatedBy: identityID(owner(p)), Created: timestamp(o.Created), Modified: timestamp(o.Modified),
		Labels: labels(p), Variables: map[string]Variable{}, Workflow: map[string]Step{},
		Agents: map[string]Party{}, Targets: map[string]Party{},
	}
	b.out.ID = playbookID(p.Name, b.out.Types)
	b.variables()
	b.workflow()
	b.out.Activities = b.activities()
	b.out.Summary = b.features()
	b.out.Extensions = words{playbookExtension(): words{"firebreak_playbook": headWords(p), "firebreak_plan_hash": p.Hash}}
	b.out.ExtDefinitions = definitions(b.out.CreatedBy)
	return b.out
}

// builder is one playbook as it is written.
type builder struct {
	plan    plan.Plan
	options Options
	out     Playbook
	names   map[string]string // of variables, by what they stand for
}

func owner(p plan.Plan) string {
	if p.Owner != "" {
		return p.Owner
	}
	return "Firebreak"
}

// types are the roles of a playbook by its phases.
func types(p plan.Plan) []string {
	of := map[string]string{
		"identify": "investigation", "analyze": "investigation", "coordinate": "notification", "contain": "mitigation",
		"preserve": "investigation", "resolve": "remediation", "improve": "prevention",
	}
	var out []string
	for _, s := range p.Steps {
		if t := of[s.Phase]; !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return out
}

// labels are the phases, and the playbook's own labels.
func labels(p plan.Plan) []string {
	out := []string{"version:" + p.Version}
	for _, phase := range plan.Phases() {
		if slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Phase == phase }) {
			out = append(out, "phase:"+phase)
		}
	}
	var own []string
	for key, text := range p.Labels {
		own = append(own, key+":"+text)
	}
	slices.Sort(own)
	return append(out, own...)
}

// activities are the kinds of work of all commands.
func (b *builder) activities() []string {
	var out []string
	for _, s := range b.out.Workflow {
		for _, c := range s.Commands {
			if c.Activity != "" && !slices.Contains(out, c.Activity) {
				out = append(out, c.Activity)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (b *builder) features() map[string]bool {
	out := map[string]bool{"extensions": true}
	kinds := map[string]string{
		"playbook-action": "external_playbooks", "parallel": "parallel_processing", "if-condition": "if_logic",
		"while-condition": "while_logic", "switch-condition": "switch_logic",
	}
	for _, s := range b.out.Workflow {
		if name := kinds[s.Type]; name != "" {
			out[name] = true
		}
		if s.Timeout > 0 {
			out["temporal_logic"] = true
		}
	}
	return out
}

// workflow writes the steps, from the last to the first, so that each knows what comes next. `finally` runs behind the
// steps, and as CACAO's exception step when one of them ends the run.
func (b *builder) workflow() {
	end := b.end("")
	first := end
	if len(b.plan.Finally) > 0 {
		first = b.block(b.plan.Finally, end, true)
		b.out.Exception = first
	}
	first = b.block(b.plan.Steps, first, true)
	b.out.Start = b.add("start", "start", Step{Name: b.plan.Name, OnCompletion: first})
}

// block writes steps that lead to next, and gives the id of the first.
func (b *builder) block(steps []plan.Step, next string, top bool) string {
	for _, s := range slices.Backward(steps) {
		next = b.step(s, next, top)
	}
	return next
}

// branch writes steps that end in an end of their own, as CACAO wants of every branch.
func (b *builder) branch(name string, steps []plan.Step) string {
	return b.block(steps, b.end(name), false)
}

func (b *builder) end(name string) string { return b.add("end", name+"/end", Step{}) }

// add keeps a step under an id made of what it stands for.
func (b *builder) add(kind, name string, s Step) string {
	s.Type = kind
	id := kind + "--" + uuid4(b.out.ID, kind+" "+name)
	b.out.Workflow[id] = s
	return id
}

// agent keeps an agent or target under an id made of its name.
func party(to map[string]Party, playbook string, p Party) string {
	id := p.Type + "--" + uuid4(playbook, p.Type+" "+p.Name)
	to[id] = p
	return id
}

func playbookExtension() string { return extensionID("playbook") }
func stepExtension() string     { return extensionID("step") }
func runExtension() string      { return extensionID("run") }

func definitions(by string) map[string]Extension {
	define := func(name, description string) Extension {
		return Extension{Type: "extension-definition", Name: name, Description: description, CreatedBy: by, Version: "1.0.0",
			Schema: "The property holds text of the Firebreak playbook language, as JSON; see docs/cacao.md of Firebreak."}
	}
	return map[string]Extension{
		playbookExtension(): define("Firebreak playbook", "firebreak_playbook: what stands around the steps; firebreak_plan_hash: SHA-256 of the compiled plan"),
		stepExtension():     define("Firebreak step", "firebreak_step: the step without those inside of it; firebreak_path: its path; firebreak_part: which part of it this is"),
	}
}

// title is how a step is called for people.
func title(s plan.Step) string { return strings.ReplaceAll(s.ID, "_", " ") }
