package rehearse

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/scenario"
	"github.com/firebreak-ir/firebreak/workflows"
)

// Coverage says what of a playbook its tests have run.
type Coverage struct {
	Steps    int      `json:"steps"`
	StepsRun int      `json:"stepsRun"`
	Branches int      `json:"branches"`
	Taken    int      `json:"taken"`
	Missing  []Missed `json:"missing,omitempty"` // in the order of the playbook
}

// Missed is a step or a branch that no test has run.
type Missed struct {
	What string `json:"what"`
	Line int    `json:"line"` // of the playbook
}

// Cover puts the results of all tests of a playbook together.
func Cover(p plan.Plan, results []Result) Coverage {
	c := counter{seen: map[string]map[activities.StepStatus]bool{}, said: map[string][]string{}}
	for _, r := range results {
		for _, s := range r.State.Steps {
			place := scenario.Bare(s.Path)
			if c.seen[place] == nil {
				c.seen[place] = map[activities.StepStatus]bool{}
			}
			c.seen[place][s.Status] = true
			c.said[place] = append(c.said[place], s.Summary)
		}
	}
	plan.Walk(c.step, p.Steps, p.Finally)
	slices.SortStableFunc(c.out.Missing, func(a, b Missed) int { return a.Line - b.Line })
	return c.out
}

type counter struct {
	seen map[string]map[activities.StepStatus]bool
	said map[string][]string // summaries
	out  Coverage
}

// step counts the step, and what it can choose.
func (c *counter) step(s plan.Step) {
	c.out.Steps++
	statuses := c.seen[s.Path]
	ran := statuses[activities.StepDone] || statuses[activities.StepFailed] || statuses[activities.StepHeld] || statuses[activities.StepRunning]
	if ran {
		c.out.StepsRun++
	} else {
		c.miss(s, "step %q never runs", s.Path)
	}
	if s.If != nil {
		c.branch(s, ran, "step %q: its condition is never true", s.Path)
		c.branch(s, statuses[activities.StepSkipped], "step %q: its condition is never false", s.Path)
	}
	if s.Branch != nil {
		c.branch(s, c.went(s, workflows.TookThen), "step %q: never takes \"then\"", s.Path)
		c.branch(s, c.went(s, workflows.TookElse), "step %q: never takes \"else\"", s.Path)
	}
	if s.Switch != nil {
		for i, one := range s.Switch.Cases {
			c.branch(s, c.reached(one.Do), "step %q: never takes case %d, %s", s.Path, i+1, one.When.Source)
		}
		c.branch(s, c.went(s, workflows.TookDefault), "step %q: never takes its default", s.Path)
	}
	for i, one := range s.Catch {
		c.branch(s, c.reached(one.Do), "step %q: catch %d never takes a failure", s.Path, i+1)
	}
}

func (c *counter) branch(s plan.Step, taken bool, format string, args ...any) {
	c.out.Branches++
	if taken {
		c.out.Taken++
		return
	}
	c.miss(s, format, args...)
}

func (c *counter) miss(s plan.Step, format string, args ...any) {
	c.out.Missing = append(c.out.Missing, Missed{What: fmt.Sprintf(format, args...), Line: s.Pos.Line})
}

func (c *counter) reached(list []plan.Step) bool { return len(list) > 0 && c.seen[list[0].Path] != nil }

// went tells whether the step's record ever began with these words.
func (c *counter) went(s plan.Step, words string) bool {
	return slices.ContainsFunc(c.said[s.Path], func(text string) bool { return strings.HasPrefix(text, words) })
}
