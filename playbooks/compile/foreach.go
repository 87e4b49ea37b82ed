package compile

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// maxConcurrency is how many items a foreach may work on at once.
const maxConcurrency = 64

func (c *compiler) foreach(m *syntax.Mapping, onError plan.OnError, at surroundings) *plan.Foreach {
	head := m.Map("foreach")
	f := &plan.Foreach{As: "item", Concurrency: 1}
	if head.Has("as") {
		f.As = head.RequiredText("as")
	}
	if head.Has("concurrency") {
		f.Concurrency = head.Int("concurrency", 1, maxConcurrency)
	}
	f.Max = head.Int("max", 1, plan.MostItems)
	f.OnError = c.onError(head, onError)
	c.passedOver(head, f.OnError, at)
	switch f.OnError { // for a step inside that says nothing itself
	case plan.Continue: // it fails its item, and the others go on
		at.onError, at.passing = plan.Fail, true
	case plan.Fail, plan.RollBack:
		at.onError = f.OnError
	}
	at.together = at.together || f.Concurrency > 1
	if n := head.Required("in"); n != nil {
		at.place = c.bind(n, head, f, at.place)
		at.loops = append(slices.Clone(at.loops), looping{as: f.As, path: at.path})
	}
	head.Done()
	if m.Required("do") != nil {
		f.Do, _ = c.block(c.ordered(m, c.filled(m, "do")), at)
	}
	return f
}

// bind checks the list of a foreach and gives the place inside, where the item has its name.
func (c *compiler) bind(n *syntax.Node, head *syntax.Mapping, f *plan.Foreach, p place) place {
	expr, checked, ok := c.bare(n, p)
	f.In = expr
	item := variable{name: f.As, t: types.DynType}
	p.facts = p.facts.without(f.As)
	if ok {
		if by := c.tainted(checked, ""); by != nobodys {
			c.dirtyItems[f.As] = by
		}
		switch t := checked.OutputType(); t.Kind() {
		case types.ListKind:
			item.t = c.types.detached(t.Parameters()[0])
			tree := checked.NativeRep()
			if tree.Expr().Kind() == ast.ListKind && tree.Expr().AsList().Size() == 0 {
				c.reader.Report(n, "constant", "the list is always empty, so the steps under \"do\" can never run; remove the step")
			}
			p = p.holding(filtered(tree, tree.Expr(), f.As))
		case types.DynKind:
		default:
			c.reader.Report(n, "type", "foreach needs a list, but this is %s", c.types.describe(t))
		}
	}
	c.nameItem(head, f, item, p)
	return p.binding(item)
}

// nameItem sees to it that one name means one thing: in nested blocks, and with one type in the whole playbook.
func (c *compiler) nameItem(head *syntax.Mapping, f *plan.Foreach, item variable, p place) {
	at := head.Node()
	if n := head.Optional("as"); n != nil {
		at = n
	}
	f.Item = plan.Notation(c.types.declared(item.t))
	before, again := c.items[f.As]
	switch {
	case f.As == "":
	case slices.Contains(taken(), f.As):
		c.reader.Report(at, "as", "the item cannot be called %q, which is a word of the language; choose another name with \"as\"", f.As)
	case !isIdentifier(f.As):
		c.reader.Report(at, "as", "the item cannot be called %q; take a name of letters, digits and underscores", f.As)
	case slices.ContainsFunc(p.vars, func(v variable) bool { return v.name == f.As }):
		c.reader.Report(at, "as", "the foreach around this one already calls its item %q; choose another name with \"as\"", f.As)
	case again && before != f.Item:
		c.reader.Report(at, "as", "another foreach calls its item %q too, but it is of another type; choose another name with \"as\"", f.As)
	default:
		c.items[f.As] = f.Item
	}
}

// taken are the names that an item cannot have.
func taken() []string {
	return slices.Concat([]string{"alert", "inputs", "steps", "run"}, plan.SpecialNames(), keywords())
}
