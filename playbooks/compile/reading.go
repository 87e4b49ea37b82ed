package compile

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// reading walks a typed expression in the order of its evaluation and checks what it reads.
type reading struct {
	*compiler
	span  span
	place place
	ast   *ast.AST
	bad   bool
}

func (r *reading) all() bool {
	r.markInputs(r.ast)
	r.walk(r.ast.Expr(), r.place.facts)
	return !r.bad
}

// markInputs notes which inputs are read.
func (c *compiler) markInputs(tree *ast.AST) {
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.SelectKind {
			return
		}
		if on := e.AsSelect().Operand(); on.Kind() == ast.IdentKind && on.AsIdent() == inputsType {
			c.used[e.AsSelect().FieldName()] = true
		}
	}))
}

func (r *reading) report(e ast.Expr, rule, format string, args ...any) {
	r.bad = true
	r.reader.Add(r.position(e).Problem(rule, format, args...))
}

// position gives the place at which an expression begins: that of its first word.
func (r *reading) position(e ast.Expr) syntax.Position {
	for e.Kind() == ast.SelectKind {
		e = e.AsSelect().Operand()
	}
	offset, _ := r.ast.SourceInfo().GetOffsetRange(e.ID())
	return r.span.at(int(offset.Start))
}

func (r *reading) walk(e ast.Expr, known facts) {
	switch e.Kind() {
	case ast.SelectKind:
		r.selection(e, known)
	case ast.CallKind:
		r.call(e, known)
	case ast.ComprehensionKind:
		r.comprehension(e.AsComprehension(), known)
	case ast.ListKind:
		for _, item := range e.AsList().Elements() {
			r.walk(item, known)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			r.walk(entry.AsMapEntry().Key(), known)
			r.walk(entry.AsMapEntry().Value(), known)
		}
	}
}

func (r *reading) selection(e ast.Expr, known facts) {
	operand := e.AsSelect().Operand()
	if e.AsSelect().IsTestOnly() {
		if operand.Kind() == ast.SelectKind && r.viewOf(operand) != nil {
			r.childOf(e, r.viewOf(operand))
			operand = operand.AsSelect().Operand() // has(steps.x.output.y) asks for the output too
		}
		r.walk(operand, known)
		return
	}
	if v := r.viewOf(e); v != nil {
		r.output(e, v, known)
	}
	if operand.Kind() == ast.SelectKind {
		if v := r.viewOf(operand); v != nil && v.gathers {
			r.gathered(e, v, known)
		}
	}
	r.walk(operand, known)
}

// gathered checks the reading of a step's output by way of the block around it.
func (r *reading) gathered(e ast.Expr, block *view, known facts) {
	if child := r.childOf(e, block); child != nil && !known.hold("has("+path(r.ast, e)+")") {
		r.mayBeAbsent(e, child, path(r.ast, e.AsSelect().Operand().AsSelect().Operand())+"."+child.id, known)
	}
}

// childOf finds the step that is read by way of the output of the block around it; nil for a step that has an output itself.
func (r *reading) childOf(e ast.Expr, block *view) *view {
	if !block.gathers {
		return nil
	}
	name := e.AsSelect().FieldName()
	child := block.child(name)
	if child == nil {
		r.report(e, "unknown-field", "step %q has no step %q%s", block.id, name, syntax.DidYouMean(name, block.fields()[3:]))
	}
	return child
}

// viewOf gives the step whose output the selection reads, if it is one.
func (r *reading) viewOf(e ast.Expr) *view {
	t := r.ast.GetType(e.AsSelect().Operand().ID())
	if e.AsSelect().FieldName() != "output" || t == nil || t.Kind() != types.StructKind {
		return nil
	}
	return r.types.views[t.TypeName()]
}

// output checks the reading of a step's output that may not be there.
func (r *reading) output(e ast.Expr, v *view, known facts) {
	r.mayBeAbsent(e, v, path(r.ast, e.AsSelect().Operand()), known)
}

// mayBeAbsent reports a step that may have no output, unless it is known at the place that it has.
func (r *reading) mayBeAbsent(e ast.Expr, v *view, way string, known facts) {
	if known.hold("has("+way+".output)") || known.hold(way+`.status == "done"`) {
		return
	}
	for _, why := range v.absent {
		if !known.holdAll(why.condition) {
			r.report(e, "maybe-skipped", "step %q may have no output: %s; ask has(%s.output) first", v.id, why.text, way)
			return
		}
	}
}

func (r *reading) call(e ast.Expr, known facts) {
	call := e.AsCall()
	if call.IsMemberFunction() {
		r.walk(call.Target(), known)
	}
	args := call.Args()
	r.choice(call)
	switch call.FunctionName() {
	case operators.LogicalAnd:
		r.walk(args[0], known)
		r.walk(args[1], known.and(whenTrue(r.ast, args[0])))
	case operators.LogicalOr:
		r.walk(args[0], known)
		r.walk(args[1], known.and(whenFalse(r.ast, args[0])))
	case operators.Conditional:
		r.walk(args[0], known)
		r.walk(args[1], known.and(whenTrue(r.ast, args[0])))
		r.walk(args[2], known.and(whenFalse(r.ast, args[0])))
	default:
		for _, arg := range args {
			r.walk(arg, known)
		}
	}
}

func (r *reading) comprehension(loop ast.ComprehensionExpr, known facts) {
	r.walk(loop.IterRange(), known)
	r.ordered(loop.IterRange())
	r.walk(loop.AccuInit(), known)
	inside := known.without(loop.IterVar()).and(filtered(r.ast, loop.IterRange(), loop.IterVar()))
	r.walk(loop.LoopCondition(), inside)
	r.walk(loop.LoopStep(), inside)
	r.walk(loop.Result(), known)
}

// ordered refuses to walk over a map: its order is random, and a replay would put values under the wrong keys.
func (r *reading) ordered(over ast.Expr) {
	t := r.ast.GetType(over.ID())
	switch {
	case t != nil && t.Kind() == types.MapKind:
	case t != nil && t.Kind() == types.DynKind && r.hasMapLiteral():
	default:
		return
	}
	r.report(over, "map-order", "a map has no order, so no expression may walk over it; walk over sortedKeys(…), or read single keys")
}

func (r *reading) hasMapLiteral() bool {
	found := false
	ast.PreOrderVisit(r.ast.Expr(), ast.NewExprVisitor(func(e ast.Expr) { found = found || e.Kind() == ast.MapKind }))
	return found
}
