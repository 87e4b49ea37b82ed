package compile

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// known are the facts that a step's conditions establish.
type known struct {
	own, then, otherwise []string
	cases                [][]string // of a switch, each with what the cases before it leave
	none                 []string   // where no case of a switch holds
}

// conditionFacts checks a condition and gives what is known when it holds and when it does not.
func (c *compiler) conditionFacts(n *syntax.Node, p place) (expr plan.Expr, holds, fails []string) {
	expr, checked, ok := c.bare(n, p)
	if !ok {
		return expr, nil, nil
	}
	if kind := checked.OutputType().Kind(); kind != types.BoolKind && kind != types.DynKind {
		c.reader.Report(n, "type", "a condition must be true or false, but this is %s", c.types.describe(checked.OutputType()))
		return expr, nil, nil
	}
	tree := checked.NativeRep()
	holds, fails = whenTrue(tree, tree.Expr()), whenFalse(tree, tree.Expr())
	if value, ok := c.constantValue(checked, p); ok {
		c.reader.Report(n, "constant", "the condition is always %s, so a part of the playbook can never run; remove it", value)
	} else if p.facts.contradict(holds) {
		c.reader.Report(n, "constant", "the condition is always false here: a condition around it or before it says the opposite; remove what can never run")
	}
	return expr, holds, fails
}

// readsNothing tells whether an expression has no variables but those of its own loops.
func readsNothing(tree *ast.AST) bool {
	own, nothing := ownVariables(tree), true
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		nothing = nothing && (e.Kind() != ast.IdentKind || own[e.AsIdent()])
	}))
	return nothing
}

// ownVariables are those of the loops inside of an expression.
func ownVariables(tree *ast.AST) map[string]bool {
	own := map[string]bool{}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			loop := e.AsComprehension()
			own[loop.IterVar()], own[loop.IterVar2()], own[loop.AccuVar()] = true, true, true
		}
	}))
	return own
}

// constantValue gives the value of a condition that reads nothing.
func (c *compiler) constantValue(checked *cel.Ast, p place) (string, bool) {
	if !readsNothing(checked.NativeRep()) {
		return "", false
	}
	env, err := c.checker.env(p)
	if err != nil {
		return "", false
	}
	program, err := env.Program(checked, cel.CostLimit(1000))
	if err != nil {
		return "", false
	}
	value, _, err := program.Eval(cel.NoVars())
	if err != nil {
		return "", false
	}
	return fmt.Sprint(value.Value()), true
}
