package scenario

import (
	"regexp"
	"slices"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Check compares a test file with the playbook it is about: steps and activities that are not there, and outputs that the
// activities could never give.
func Check(f File, p plan.Plan, catalog activities.Catalog) []syntax.Problem {
	c := checker{plan: p, catalog: catalog, steps: Places(p)}
	for _, t := range f.Tests {
		c.test(t)
	}
	return c.Problems()
}

type checker struct {
	syntax.Reader

	plan    plan.Plan
	catalog activities.Catalog
	steps   map[string]plan.Step
}

// Places gives the steps of a plan by their places: ids from the top, without iterations. The steps of a called playbook
// stand below the step that calls it.
func Places(p plan.Plan) map[string]plan.Step {
	out := map[string]plan.Step{}
	place(p, p, "", out)
	return out
}

func place(root, p plan.Plan, prefix string, out map[string]plan.Step) {
	plan.Walk(func(s plan.Step) {
		at := prefix + s.Path
		out[at] = s
		if s.Call == nil {
			return
		}
		for _, called := range root.Playbooks {
			if called.Hash == s.Call.Hash {
				place(root, called, at+"/", out)
			}
		}
	}, p.Steps, p.Finally)
}

// Bare gives a path without its iterations.
func Bare(path string) string {
	return regexp.MustCompile(`\[(\d+|\*)\]`).ReplaceAllString(path, "")
}

func (c *checker) test(t Test) {
	if _, err := plan.CheckInputs(c.plan, t.Inputs); err != nil {
		c.Add(t.Pos.Problem("input", "%s", err.Error()))
	}
	for _, m := range t.Mocks {
		c.mock(m)
	}
	for _, a := range t.Answers {
		if a.Step != "" {
			c.place(a.Pos, a.Step)
		}
	}
	e := t.Expect
	for path := range e.Steps {
		c.place(e.Pos, path)
	}
	for _, path := range slices.Concat(e.Held, e.Undone, e.Order) {
		c.place(e.Pos, path)
	}
	for _, name := range slices.Concat(e.Calls, e.NotCalled) {
		if _, activity := c.catalog.Find(name); !activity {
			c.place(e.Pos, name)
		}
	}
}

func (c *checker) mock(m Mock) {
	name := m.Activity
	if m.Step != "" {
		s, known := c.place(m.Pos, m.Step)
		switch {
		case !known:
			return
		case s.Uses == nil:
			c.Add(m.Pos.Problem("mock", "step %q runs no activity", m.Step))
			return
		case name != "" && name != s.Uses.Activity:
			c.Add(m.Pos.Problem("mock", "step %q uses %s, not %s", m.Step, s.Uses.Activity, name))
		}
		name = s.Uses.Activity
	}
	d, known := c.catalog.Find(name)
	if !known {
		c.Add(m.Pos.Problem("unknown-activity", "there is no activity %q%s", name, syntax.DidYouMean(name, c.names())))
		return
	}
	out, err := activities.TypeOf(d.Out)
	if err == nil {
		err = plan.Fits(Filled(m.Output, out), out)
	}
	if err != nil {
		c.Add(m.Pos.Problem("type", "%s never gives this output: %v", name, err))
	}
}

func (c *checker) names() []string {
	var out []string
	for _, d := range c.catalog.All() {
		out = append(out, d.Name)
	}
	return out
}

func (c *checker) place(at syntax.Position, path string) (plan.Step, bool) {
	s, known := c.steps[Bare(path)]
	if !known {
		var all []string
		for place := range c.steps {
			all = append(all, place)
		}
		slices.Sort(all)
		c.Add(at.Problem("unknown-step", "the playbook has no step %q%s", path, syntax.DidYouMean(Bare(path), all)))
	}
	return s, known
}
