package scenario

import (
	"strconv"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// year bounds the times of a test.
const year = 366 * 24 * time.Hour

// Read reads a test file. Everything that is wrong comes back at once, sorted by place.
func Read(name string, data []byte) (File, []syntax.Problem) {
	root, problems := syntax.Parse(name, data)
	if root == nil {
		return File{}, problems
	}
	r := &reader{}
	r.Add(problems...)
	f := File{Name: name}
	top := r.Map(root, "the test file")
	if top.Required("tests") != nil {
		for _, n := range top.List("tests") {
			f.Tests = append(f.Tests, r.test(n))
		}
	}
	top.Done()
	r.distinct(f.Tests)
	if len(f.Tests) == 0 && len(r.Problems()) == 0 {
		r.Report(root, "empty", "\"tests\" is empty")
	}
	return f, r.Problems()
}

type reader struct{ syntax.Reader }

func (r *reader) distinct(tests []Test) {
	seen := map[string]int{}
	for _, t := range tests {
		if first, twice := seen[t.Name]; twice {
			r.Add(t.Pos.Problem("duplicate-name", "test %q is there twice; the first is in line %d", t.Name, first))
		}
		seen[t.Name] = t.Pos.Line
	}
}

func (r *reader) test(n *syntax.Node) Test {
	m := r.Map(n, "a test")
	t := Test{Name: m.RequiredText("name"), Inputs: r.values(m, "inputs"), DryRun: m.Bool("dryRun"), Pos: n.Position}
	t.Mode = plan.Mode(m.OneOf("mode", string(plan.Live), string(plan.Drill)))
	if alert := m.Optional("alert"); alert != nil && alert.Kind == syntax.Text {
		t.AlertFile = alert.Text
	} else {
		t.Alert = r.values(m, "alert")
	}
	for _, n := range m.List("mocks") {
		t.Mocks = append(t.Mocks, r.mock(n))
	}
	for _, n := range m.List("answers") {
		t.Answers = append(t.Answers, r.answer(n))
	}
	for _, n := range m.List("signals") {
		s := r.Map(n, "a signal")
		t.Signals = append(t.Signals, Signal{Name: s.RequiredText("name"), By: s.Text("by"), Data: r.values(s, "data"), After: s.Duration("after", 0, year)})
		s.Done()
	}
	for _, n := range m.List("alerts") {
		a := r.Map(n, "a further alert")
		t.Alerts = append(t.Alerts, Later{Alert: r.values(a, "alert"), After: a.Duration("after", 0, year)})
		a.Done()
	}
	if m.Required("expect") != nil {
		t.Expect = r.expect(m.Map("expect"))
	}
	m.Done()
	return t
}

func (r *reader) mock(n *syntax.Node) Mock {
	m := r.Map(n, "a mock")
	out := Mock{Activity: m.Text("uses"), Step: m.Text("step"), Output: r.values(m, "output"), Takes: m.Duration("takes", 0, year), Pos: n.Position}
	if out.Activity == "" && out.Step == "" && n.Kind == syntax.Map {
		r.Report(n, "missing-key", "a mock needs \"uses\" with an activity, or \"step\" with a step's path")
	}
	if fails := m.Map("fails"); fails.Node() != nil {
		out.Fails = &Failure{Kind: fails.Text("kind"), Message: fails.Text("message"), Times: fails.Int("times", 1, 1000)}
		if out.Fails.Kind == "" {
			out.Fails.Kind = "Temporary"
		}
		fails.Done()
	}
	m.Done()
	return out
}

func (r *reader) answer(n *syntax.Node) Answer {
	m := r.Map(n, "an answer")
	out := Answer{
		Step: m.Text("step"), Choice: m.Text("choice"), Action: m.OneOf("action", "retry", "skip", "abort", "rollback"),
		By: m.Text("by"), Groups: m.Texts("groups"), Comment: m.Text("comment"), Set: r.values(m, "set"),
		After: m.Duration("after", 0, year), Refused: m.Bool("refused"), Pos: n.Position,
	}
	if n.Kind == syntax.Map && (out.Choice == "") == (out.Action == "") {
		r.Report(n, "missing-key", "an answer needs either \"choice\", for an approval, or \"action\", for a held step")
	}
	if out.By == "" {
		out.By = "tester"
	}
	m.Done()
	return out
}

func (r *reader) expect(m *syntax.Mapping) Expect {
	e := Expect{
		Outcome: m.Text("outcome"), Held: m.Texts("held"), Calls: m.Texts("calls"), NotCalled: m.Texts("notCalled"),
		Order: m.Texts("order"), Outputs: r.values(m, "outputs"), Within: m.Duration("within", time.Millisecond, year),
		Undone: m.Texts("undone"),
	}
	if n := m.Node(); n != nil {
		e.Pos = n.Position
	}
	steps := m.Map("steps")
	if n := steps.Node(); n != nil {
		e.Steps = map[string]string{}
		for _, entry := range n.Entries {
			e.Steps[entry.Key.Text] = steps.OneOf(entry.Key.Text, "done", "skipped", "failed", "held", "running")
		}
	}
	m.Done()
	return e
}

// values reads a map of plain values.
func (r *reader) values(m *syntax.Mapping, key string) map[string]any {
	n := m.Optional(key)
	if n == nil {
		return nil
	}
	value, _ := r.value(r.Map(n, strconv.Quote(key)).Node()).(map[string]any)
	return value
}

// value gives a node as a plain value; nothing in it is evaluated.
func (r *reader) value(n *syntax.Node) any {
	switch n.Kind {
	case syntax.Text:
		return n.Text
	case syntax.Bool:
		return strings.EqualFold(n.Text, "true")
	case syntax.Int:
		if v, err := strconv.ParseInt(n.Text, 0, 64); err == nil {
			return v
		}
		r.Report(n, "type", "%s is a number out of range", n.Text)
	case syntax.Float:
		if v, err := strconv.ParseFloat(n.Text, 64); err == nil {
			return v
		}
		r.Report(n, "type", "%s is a number out of range", n.Text)
	case syntax.List:
		out := make([]any, 0, len(n.Items))
		for _, item := range n.Items {
			out = append(out, r.value(item))
		}
		return out
	case syntax.Map:
		out := map[string]any{}
		for _, e := range n.Entries {
			out[e.Key.Text] = r.value(e.Value)
		}
		return out
	}
	return nil
}
