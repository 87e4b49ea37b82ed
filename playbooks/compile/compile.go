// Package compile turns a playbook's text into a plan, or into everything that is wrong with it: in one pass, each
// problem with its place. It is pure: it needs the catalog's declarations and runs nothing.
package compile

import (
	"cel.dev/cel-go/cel"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// The one version and kind of file that this package reads.
const (
	APIVersion = "firebreak/v1"
	Kind       = "Playbook"
)

// compiler carries what the rules share while one playbook is compiled.
type compiler struct {
	reader  syntax.Reader
	options Options
	catalog activities.Catalog
	plan    plan.Plan
	types   *provider
	checker *checker
	used    map[string]bool             // inputs that an expression reads
	ids     map[string]syntax.Position  // of steps
	lines   map[string]int              // of all ids, also of those that come later
	paths   map[string]string           // of all ids
	parsed  map[string]*cel.Ast         // by source
	typed   map[plan.Position]*cel.Type // what the expression at that place gives

	destroying   []destruction
	requirements []requirement
	facts        map[string]known           // what the conditions of steps establish
	items        map[string]string          // foreach variables: the notation of their types
	in, out      map[string]activities.Type // of activities, read once

	dirtyAt    map[plan.Position]taint // whose words the expression at that place gives
	dirtySteps map[string]taint        // and the steps that are no activity's
	dirtyItems map[string]taint        // and the foreach variables
}

func newCompiler(o Options) *compiler {
	c := &compiler{
		options: o,
		catalog: o.Catalog,
		types:   newProvider(o.Types),
		used:    map[string]bool{},
		ids:     map[string]syntax.Position{},
		facts:   map[string]known{},
		parsed:  map[string]*cel.Ast{},
		typed:   map[plan.Position]*cel.Type{},
		items:   map[string]string{},
		in:      map[string]activities.Type{},
		out:     map[string]activities.Type{},

		dirtyAt:    map[plan.Position]taint{},
		dirtySteps: map[string]taint{},
		dirtyItems: map[string]taint{},
	}
	c.checker = newChecker(c.types)
	return c
}

// playbook reads the file from top to bottom, except that steps are read after all that they may refer to.
func (c *compiler) playbook(root *syntax.Node) {
	top := c.reader.Map(root, "the playbook")
	if root.Kind != syntax.Map {
		return
	}
	c.header(top)
	c.metadata(top.Map("metadata"), top.Required("metadata"))
	c.inputs(top.Optional("inputs"))
	c.approvers(top.Optional("approvers"))
	c.triggers(top.List("triggers"))
	c.dedup(top)
	c.guards(top.Map("guards"))
	c.slo(top.Map("slo"))
	c.locate(root)
	d := c.defaults(top.Map("defaults"))
	main := c.steps(top, d)
	closing := c.closing(top, d, main)
	c.outputs(top.Optional("outputs"), closing)
	c.evidence()
	c.unusedInputs(top.Optional("inputs"))
	top.Done()
}

func position(at syntax.Position) plan.Position {
	return plan.Position{Line: at.Line, Column: at.Column}
}
