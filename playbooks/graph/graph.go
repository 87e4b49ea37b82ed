// Package graph draws a plan as a Mermaid flowchart. It draws what is compiled, and nothing that the file only says.
package graph

import (
	"fmt"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Mermaid draws the plan. The same plan gives the same text.
func Mermaid(p plan.Plan) string {
	d := &drawing{plan: p}
	d.line("flowchart TD")
	d.in++
	d.line(`start(["%s %s"])`, label(p.Name), label(p.Version))
	last := d.phases(p.Steps, []edge{{from: "start"}})
	if len(p.Finally) > 0 {
		d.line(`subgraph finally["finally: always"]`)
		d.in++
		last = d.block(p.Finally, append(last, d.stops...))
		d.in--
		d.line("end")
		d.stops = nil
	}
	d.line(`done(["end"])`)
	d.join(append(last, d.stops...), "done")
	d.in--
	return d.text.String()
}

// drawing is one flowchart as it is drawn.
type drawing struct {
	plan plan.Plan
	text strings.Builder
	in   int // indent
	ids  int
	// stops lead from where a step ends the run to what runs in any case.
	stops []edge
}

// edge leads from a node to whatever comes next, with the condition under which it does.
type edge struct {
	from, label string
	aside       bool // off the usual way: drawn with dots
}

func (d *drawing) line(format string, args ...any) {
	d.text.WriteString(strings.Repeat("  ", d.in))
	fmt.Fprintf(&d.text, format, args...)
	d.text.WriteByte('\n')
}

// phases draws the steps at the top, a frame for each phase.
func (d *drawing) phases(steps []plan.Step, before []edge) []edge {
	for i := 0; i < len(steps); {
		phase, from := steps[i].Phase, i
		for i < len(steps) && steps[i].Phase == phase {
			i++
		}
		d.line(`subgraph phase_%s["%s"]`, phase, label(phase))
		d.in++
		before = d.block(steps[from:i], before)
		d.in--
		d.line("end")
	}
	return before
}

// block draws steps one after the other, and gives what leads on behind the last.
func (d *drawing) block(steps []plan.Step, before []edge) []edge {
	for _, s := range steps {
		before = d.step(s, before)
	}
	return before
}

func (d *drawing) join(from []edge, to string) {
	for _, e := range from {
		arrow := "-->"
		if e.aside {
			arrow = "-.->"
		}
		if e.label != "" {
			arrow += `|"` + label(e.label) + `"|`
		}
		d.line("%s %s %s", e.from, arrow, to)
	}
}

// next is the id of the node that is drawn next.
func (d *drawing) next() string { return fmt.Sprintf("n%d", d.ids+1) }

// node draws one node in the shape of its verb, and joins it to what comes before.
func (d *drawing) node(open, text, end string, before []edge) string {
	id := d.next()
	d.ids++
	d.line(`%s%s"%s"%s`, id, open, text, end)
	d.join(before, id)
	return id
}

// step draws a step with all that is inside of it.
func (d *drawing) step(s plan.Step, before []edge) []edge {
	var passed []edge
	if s.If != nil {
		id := d.node("{", "if "+label(s.If.Source), "}", before)
		before, passed = []edge{{from: id, label: "true"}}, []edge{{from: id, label: "false"}}
	}
	entry := d.next()
	out := append(d.verb(s, before), passed...)
	return append(out, d.catches(s, entry)...)
}

func (d *drawing) verb(s plan.Step, before []edge) []edge {
	switch {
	case s.Uses != nil:
		return d.uses(s, before)
	case s.Parallel != nil:
		return d.parallel(s, before)
	case s.Foreach != nil:
		return d.foreach(s, before)
	case s.Branch != nil:
		id := d.node("{", label(s.ID)+"<br/>"+label(s.Branch.Cond.Source), "}", before)
		return append(d.block(s.Branch.Then, []edge{{from: id, label: "then"}}), d.block(s.Branch.Else, []edge{{from: id, label: "else"}})...)
	case s.Switch != nil:
		return d.choice(s, before)
	case s.Approve != nil:
		return d.approve(s, before)
	case s.Stop != nil:
		d.stops = append(d.stops, edge{from: d.node("([", label(s.ID)+"<br/>stop: "+label(s.Stop.Outcome), "])", before), aside: true})
		return nil
	}
	return d.plain(s, before)
}

// plain draws the verbs that neither run an activity nor hold steps.
func (d *drawing) plain(s plan.Step, before []edge) []edge {
	text := label(s.ID)
	switch {
	case s.Wait != nil:
		text += "<br/>wait"
		if s.Wait.Until != nil {
			text += " until " + label(s.Wait.Until.Source)
		}
		if s.Wait.For > 0 {
			text += " " + syntax.Short(s.Wait.For)
		}
		return []edge{{from: d.node("[/", text, "/]", before)}}
	case s.Call != nil:
		return []edge{{from: d.node("[[", text+"<br/>"+label(s.Call.Playbook+" "+s.Call.Version), "]]", before)}}
	case s.Rollback != nil:
		return []edge{{from: d.node("[\\", text+"<br/>rollback", "/]", before)}}
	}
	return []edge{{from: d.node("[", text+"<br/>set", "]", before)}}
}

func (d *drawing) uses(s plan.Step, before []edge) []edge {
	text := label(s.ID) + "<br/>" + label(s.Uses.Activity)
	if s.While != nil {
		id := d.node("[", text, "]", before)
		d.line(`%s -->|"again, at most %d times, until %s"| %s`, id, s.While.Max, label(s.While.Until.Source), id)
		return []edge{{from: id}}
	}
	if s.Requires != nil {
		text += "<br/>needs evidence"
	}
	return []edge{{from: d.node("[", text, "]", before)}}
}

func (d *drawing) parallel(s plan.Step, before []edge) []edge {
	fork := d.node("((", label(s.ID), "))", before)
	var out []edge
	for _, child := range s.Parallel {
		out = append(out, d.step(child, []edge{{from: fork}})...)
	}
	return []edge{{from: d.node("((", "all of "+label(s.ID), "))", out)}}
}

func (d *drawing) foreach(s plan.Step, before []edge) []edge {
	loop := d.node("{{", label(s.ID)+"<br/>for each "+label(s.Foreach.As)+" in "+label(s.Foreach.In.Source), "}}", before)
	d.line(`subgraph %s_items["each %s, %d at once"]`, loop, label(s.Foreach.As), s.Foreach.Concurrency)
	d.in++
	last := d.block(s.Foreach.Do, []edge{{from: loop, label: "item"}})
	d.in--
	d.line("end")
	for i := range last {
		if last[i].label == "" {
			last[i].label = "next"
		}
	}
	d.join(last, loop)
	return []edge{{from: loop, label: "all done"}}
}

func (d *drawing) choice(s plan.Step, before []edge) []edge {
	id := d.node("{", label(s.ID), "}", before)
	var out []edge
	for _, c := range s.Switch.Cases {
		out = append(out, d.block(c.Do, []edge{{from: id, label: c.When.Source}})...)
	}
	return append(out, d.block(s.Switch.Default, []edge{{from: id, label: "default"}})...)
}

func (d *drawing) approve(s plan.Step, before []edge) []edge {
	text := label(s.ID) + "<br/>asks " + label(s.Approve.From)
	if s.Approve.Timeout > 0 {
		text += "<br/>" + syntax.Short(s.Approve.Timeout) + ", then " + label(s.Approve.OnTimeout)
	}
	id := d.node("{", text, "}", before)
	return []edge{{from: id, label: strings.Join(s.Approve.Choices, " / ")}}
}

// catches draws what takes the failure of a step, whose first node is entry.
func (d *drawing) catches(s plan.Step, entry string) []edge {
	var out []edge
	for _, c := range s.Catch {
		text := "fails"
		if c.When != nil {
			text = "fails with " + c.When.Source
		}
		from := d.node(">", "catch<br/>"+label(s.ID), "]", []edge{{from: entry, label: text, aside: true}})
		out = append(out, d.block(c.Do, []edge{{from: from}})...)
	}
	return out
}

// mostLabel keeps a condition from filling the page.
const mostLabel = 80

// label gives text as it stands inside the quotes of a Mermaid label: quotes and brackets would end it, and markup would
// be drawn. Mermaid takes the last semicolon away from what looks like a style, even in quotes; without its colon nothing does.
func label(text string) string {
	if runes := []rune(text); len(runes) > mostLabel {
		text = string(runes[:mostLabel]) + "…"
	}
	style := ":"
	if strings.Contains(text, "style") || strings.Contains(text, "classDef") {
		style = "#58;"
	}
	return strings.NewReplacer(":", style, `"`, "#quot;", "#", "#35;", "<", "#lt;", ">", "#gt;", "&", "#amp;", "`", "#96;", "\n", " ", "\r", " ", ";", "#59;", "\\", "#92;").Replace(text)
}
