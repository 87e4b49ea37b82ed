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
	s, known := outer.step, c.facts[outer.step.ID]
	block := func(name string, condition []string) spot {
		return spot{outer: outer, block: name, sequence: true, condition: condition}
	}
	c.place(out, spot{outer: outer, block: "parallel", certain: true}, s.Parallel)
	if s.Foreach != nil {
		c.place(out, spot{outer: outer, block: "do", sequence: true, certain: true}, s.Foreach.Do)
	}
	if s.Branch != nil {
		c.place(out, block("then", known.then), s.Branch.Then)
		c.place(out, block("else", known.otherwise), s.Branch.Else)
	}
	if s.Switch != nil && len(known.cases) == len(s.Switch.Cases) {
		for i, one := range s.Switch.Cases {
			c.place(out, block(fmt.Sprintf("case %d", i+1), known.cases[i]), one.Do)
		}
		c.place(out, block("default", known.none), s.Switch.Default)
	}
	for i, one := range s.Catch {
		c.place(out, block(fmt.Sprintf("%s %d", catchBlock, i+1), nil), one.Do)
	}
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
