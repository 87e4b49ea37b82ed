package cacao

import (
	"fmt"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// part tells which part of a step a step of CACAO is, where one becomes several.
const (
	whole  = ""       // all of it
	loop   = "loop"   // what repeats it
	body   = "body"   // what is repeated
	choose = "if"     // the condition under which it runs
	caught = "caught" // what takes its failure
)

// marked is the extension that says which step of the plan this is. Only the outermost part holds the step's text.
func (b *builder) marked(s plan.Step, part string, top bool) map[string]any {
	out := words{"firebreak_path": s.Path}
	put(out, "firebreak_part", part)
	if part != body {
		out["firebreak_step"] = stepWords(s, top)
	}
	return map[string]any{stepExtension(): out}
}

// step writes a step, with the condition under which it runs, and gives its id.
func (b *builder) step(s plan.Step, next string, top bool) string {
	if s.If == nil {
		return b.verb(s, next, top, whole)
	}
	inner := b.verb(s, b.end(s.Path+"?"), top, body)
	return b.add("if-condition", s.Path+"?", Step{
		Name: title(s), Condition: b.condition(*s.If, s.Path+"?"), OnTrue: inner, OnCompletion: next,
		Extensions: b.marked(s, choose, top),
	})
}

func (b *builder) verb(s plan.Step, next string, top bool, part string) string {
	out := Step{Name: title(s), Extensions: b.marked(s, part, top)}
	switch {
	case s.Uses != nil && s.While != nil:
		return b.while(s, out, next)
	case s.Foreach != nil:
		out.Condition = b.unsaid(s.Path+" has another item", "for each "+s.Foreach.As+" in "+s.Foreach.In.Source)
		out.OnTrue = b.branch(s.Path, s.Foreach.Do)
		return b.add("while-condition", s.Path, b.leads(s, out, next))
	case s.Branch != nil:
		return b.choice(s, out, next)
	case s.Switch != nil:
		return b.cases(s, out, next)
	case s.Parallel != nil:
		return b.parallel(s, out, next)
	case s.Call != nil:
		out.PlaybookID = playbookID(s.Call.Playbook, b.typesOf(*s.Call))
		out.InArgs = b.reads(s.Call.Inputs)
		return b.add("playbook-action", s.Path, b.leads(s, out, next))
	}
	return b.add("action", s.Path, b.leads(s, b.action(s, out), next))
}

// typesOf finds the types of a playbook that is called: its id is made of them.
func (b *builder) typesOf(c plan.Call) []string {
	for _, p := range b.plan.Playbooks {
		if p.Hash == c.Hash {
			return types(p)
		}
	}
	return nil
}

// leads says what follows a step when it succeeds, and when it fails.
func (b *builder) leads(s plan.Step, out Step, next string) Step {
	if s.OnError == plan.Continue && len(s.Catch) == 0 {
		out.OnCompletion = next
		return out
	}
	out.OnSuccess = next
	if len(s.Catch) > 0 {
		out.OnFailure = b.catches(s, next)
	}
	return out
}

// catches writes what takes a failure: each with its condition, the next one where it does not hold.
func (b *builder) catches(s plan.Step, next string) string {
	other := ""
	for i := len(s.Catch) - 1; i >= 0; i-- {
		c, name := s.Catch[i], fmt.Sprintf("%s/catch[%d]", s.Path, i)
		ext := words{"firebreak_path": s.Path, "firebreak_part": caught}
		if c.When == nil {
			other = b.block(c.Do, next, false)
			continue
		}
		ext["firebreak_step"] = words{"when": c.When.Source}
		other = b.add("if-condition", name, Step{
			Name: "failure of " + title(s), Condition: b.unsaid(name, c.When.Source), OnTrue: b.branch(name, c.Do), OnFalse: other,
			OnCompletion: next, Extensions: map[string]any{stepExtension(): ext},
		})
	}
	return other
}

func (b *builder) while(s plan.Step, out Step, next string) string {
	once := b.action(s, Step{Name: title(s), Extensions: b.marked(s, body, false)})
	once.OnCompletion = b.end(s.Path)
	out.OnTrue = b.add("action", s.Path, once)
	out.Condition = b.unsaid(s.Path+" goes on", fmt.Sprintf("at most %d times, until %s", s.While.Max, s.While.Until.Source))
	return b.add("while-condition", s.Path, b.leads(s, out, next))
}

func (b *builder) choice(s plan.Step, out Step, next string) string {
	out.Condition = b.condition(s.Branch.Cond, s.Path)
	out.OnTrue = b.branch(s.Path+" then", s.Branch.Then)
	if len(s.Branch.Else) > 0 {
		out.OnFalse = b.branch(s.Path+" else", s.Branch.Else)
	}
	return b.add("if-condition", s.Path, b.leads(s, out, next))
}

func (b *builder) cases(s plan.Step, out Step, next string) string {
	out.Switch = b.variable("case of "+s.Path, s.ID+"_case", Variable{Type: "string", Description: "Which case of " + s.Path + " holds"}) + ":value"
	out.Cases = map[string]string{}
	for i, c := range s.Switch.Cases {
		name := fmt.Sprintf("case_%d", i+1)
		out.Cases[name] = b.branch(s.Path+" "+name, c.Do)
	}
	if len(s.Switch.Default) > 0 {
		out.Cases["default"] = b.branch(s.Path+" default", s.Switch.Default)
	}
	return b.add("switch-condition", s.Path, b.leads(s, out, next))
}

// parallel writes steps that run together: CACAO wants two at least.
func (b *builder) parallel(s plan.Step, out Step, next string) string {
	for _, child := range s.Parallel {
		out.NextSteps = append(out.NextSteps, b.branch(child.Path+" beside", []plan.Step{child}))
	}
	if len(out.NextSteps) == 1 {
		out.NextSteps = append(out.NextSteps, b.end(s.Path+" beside nothing"))
	}
	return b.add("parallel", s.Path, b.leads(s, out, next))
}

// action writes a step that does something itself.
func (b *builder) action(s plan.Step, out Step) Step {
	worker := Party{Type: "security-category", Name: "Firebreak", Description: "A worker of Firebreak", Category: []string{"orchestrator"}}
	command := Command{Type: CommandType, Activity: kind(s)}
	switch {
	case s.Uses != nil:
		command.Command = s.Uses.Activity
		if b.options.Summary != nil {
			command.Description = b.options.Summary(s.Uses.Activity)
		}
		if s.Uses.Place == activities.OnAnalysis {
			worker.Name, worker.Description = "Firebreak analysis", "A worker of Firebreak without a cluster's credentials"
		}
		out.Timeout = s.Uses.Timeout.Milliseconds()
		out.Targets = b.targets(*s.Uses)
		out.InArgs = b.reads([]plan.Entry{{Value: s.Uses.With}})
		out.OutArgs = []string{b.output(s)}
	case s.Approve != nil:
		return b.asks(*s.Approve, s, out)
	default:
		command.Command = special(s)
	}
	out.Commands = []Command{command}
	out.Agent = party(b.out.Agents, b.out.ID, worker)
	return out
}

// special names what the engine itself does.
func special(s plan.Step) string {
	switch {
	case s.Wait != nil && s.Wait.Until != nil:
		return "wait until " + s.Wait.Until.Source
	case s.Wait != nil:
		return "wait " + s.Wait.For.String()
	case s.Rollback != nil:
		return "rollback"
	case s.Stop != nil:
		return "stop with the outcome " + s.Stop.Outcome
	}
	var names []string
	for _, e := range s.Set {
		names = append(names, e.Key)
	}
	return "set " + strings.Join(names, ", ")
}

// asks writes a question to people as a manual command of their group.
func (b *builder) asks(a plan.Approve, s plan.Step, out Step) Step {
	text, _ := value(a.Title).(string)
	out.Commands = []Command{{Type: "manual", Activity: kind(s), Command: fmt.Sprintf("%s Choose one of: %s.", text, strings.Join(a.Choices, ", "))}}
	out.Agent = party(b.out.Agents, b.out.ID, Party{Type: "group", Name: a.From, Description: "Approvers"})
	out.Timeout = a.Timeout.Milliseconds()
	out.OutArgs = []string{b.output(s)}
	return out
}

// targets are the kinds of things that a change acts on.
func (b *builder) targets(u plan.Uses) []string {
	var out []string
	seen := map[string]bool{}
	for _, t := range u.Targets {
		if !seen[t.Kind] {
			seen[t.Kind] = true
			out = append(out, party(b.out.Targets, b.out.ID, Party{Type: "security-category", Name: "Kubernetes " + t.Kind, Category: []string{"server"}}))
		}
	}
	return out
}

// kind is the kind of work of a step, in CACAO's words.
func kind(s plan.Step) string {
	switch {
	case s.Approve != nil:
		return "execute-operation"
	case s.Rollback != nil:
		return "revert-system"
	case s.Uses == nil:
		return "step-sequence"
	}
	switch s.Uses.Effect {
	case activities.Destroy:
		return "eliminate-risk"
	case activities.Capture:
		return "analyze-collected-data"
	case activities.Change:
		if s.Phase == "contain" {
			return "restrict-access"
		}
		return "configure-systems"
	}
	if s.Phase == "improve" {
		return "deliver-content"
	}
	return "scan-system"
}
