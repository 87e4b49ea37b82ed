package compile

import (
	"fmt"
	"slices"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// spot is a compiled step at its place in the tree of blocks.
type spot struct {
	step      plan.Step
	outer     *spot // nil at the top
	block     string
	sequence  bool     // the steps of the block run one after the other
	at        int      // index in the block
	condition []string // what holds where the block runs; nil: nothing is known
	certain   bool     // the block runs whenever the step around it does
}

// Names of blocks; a case of a switch has its number.
const (
	mainBlock    = "steps"
	finallyBlock = "finally"
	catchBlock   = "catch"
)

// spots finds the place of every step by its path.
func (c *compiler) spots() map[string]*spot {
	out := map[string]*spot{}
	c.place(out, spot{block: mainBlock, sequence: true, certain: true}, c.plan.Steps)
	c.place(out, spot{block: finallyBlock, sequence: true, certain: true}, c.plan.Finally)
	return out
}

func (c *compiler) place(out map[string]*spot, like spot, steps []plan.Step) {
	for i, step := range steps {
		at := like
		at.step, at.at = step, i
		out[step.Path] = &at
		c.inside(out, &at)
	}
}

// inside goes into the blocks of a step.
func (c *compiler) inside(out map[string]*spot, outer *spot) {
	s := outer.step
	c.place(out, spot{outer: outer, block: "parallel", certain: true}, s.Parallel)
	if s.Foreach != nil {
		c.place(out, spot{outer: outer, block: "do", sequence: true, certain: true}, s.Foreach.Do)
	}
	for _, one := range c.alternatives(s) {
		c.place(out, spot{outer: outer, block: one.name, sequence: true, condition: one.condition}, one.steps)
	}
	for i, one := range s.Catch {
		c.place(out, spot{outer: outer, block: fmt.Sprintf("%s %d", catchBlock, i+1), sequence: true}, one.Do)
	}
}

// alternative is a block of an if or a switch, and what holds where it runs.
type alternative struct {
	name      string
	steps     []plan.Step
	condition []string
}

// alternatives gives the blocks of which one alone runs, also one that is left out.
func (c *compiler) alternatives(s plan.Step) []alternative {
	known := c.facts[s.ID]
	switch {
	case s.Branch != nil:
		return []alternative{{"then", s.Branch.Then, known.then}, {"else", s.Branch.Else, known.otherwise}}
	case s.Switch == nil || len(known.cases) != len(s.Switch.Cases): // two steps of one id, which was reported
		return nil
	}
	var out []alternative
	for i, one := range s.Switch.Cases {
		out = append(out, alternative{fmt.Sprintf("case %d", i+1), one.Do, known.cases[i]})
	}
	return append(out, alternative{"default", s.Switch.Default, known.none})
}

// chain gives the steps around one, from the top, and itself.
func (s *spot) chain() []*spot {
	var out []*spot
	for at := s; at != nil; at = at.outer {
		out = append(out, at)
	}
	slices.Reverse(out)
	return out
}
