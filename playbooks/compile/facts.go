package compile

import (
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// facts are conditions that are known to hold at a place, written the way render writes them.
type facts []string

func (f facts) and(more []string) facts { return append(slices.Clone(f), more...) }

func (f facts) hold(condition string) bool { return condition != "" && slices.Contains(f, condition) }

// holdAll tells whether all conditions hold. One on the run itself may have changed since: it proves nothing.
func (f facts) holdAll(conditions []string) bool {
	return len(conditions) > 0 && !slices.ContainsFunc(conditions, func(c string) bool {
		return !f.hold(c) || strings.Contains(c, "run.")
	})
}

// without forgets what is known about a name that is given to something else.
func (f facts) without(name string) facts {
	if !slices.ContainsFunc(f, func(fact string) bool { return strings.Contains(fact, name) }) {
		return f
	}
	word := regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`)
	return slices.DeleteFunc(slices.Clone(f), word.MatchString)
}

// contradict tells whether one of the conditions cannot hold beside the facts. One on the run itself may have changed.
func (f facts) contradict(conditions []string) bool {
	return slices.ContainsFunc(conditions, func(c string) bool {
		return !strings.Contains(c, "run.") && f.hold(opposite(c))
	})
}

func opposite(condition string) string {
	if inner, ok := strings.CutPrefix(condition, "!("); ok {
		return strings.TrimSuffix(inner, ")")
	}
	return "!(" + condition + ")"
}

// whenTrue gives the facts that follow when the expression is true.
func whenTrue(a *ast.AST, e ast.Expr) []string {
	switch {
	case isCall(e, operators.LogicalAnd):
		return append(whenTrue(a, e.AsCall().Args()[0]), whenTrue(a, e.AsCall().Args()[1])...)
	case isCall(e, operators.LogicalNot):
		return whenFalse(a, e.AsCall().Args()[0])
	case e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly():
		return present(a, e)
	case isCall(e, operators.NotEquals) && plainOperands(e):
		return []string{"!(" + equality(a, e) + ")"}
	}
	return []string{render(a, e)}
}

// whenFalse gives the facts that follow when the expression is false.
func whenFalse(a *ast.AST, e ast.Expr) []string {
	switch {
	case isCall(e, operators.LogicalOr):
		return append(whenFalse(a, e.AsCall().Args()[0]), whenFalse(a, e.AsCall().Args()[1])...)
	case isCall(e, operators.LogicalNot):
		return whenTrue(a, e.AsCall().Args()[0])
	case isCall(e, operators.NotEquals) && plainOperands(e):
		return []string{equality(a, e)}
	}
	if text := render(a, e); text != "" {
		return []string{"!(" + text + ")"}
	}
	return nil
}

// equality writes a != b as a == b, so that one is known to be the opposite of the other.
func equality(a *ast.AST, e ast.Expr) string {
	args := e.AsCall().Args()
	return render(a, args[0]) + " == " + render(a, args[1])
}

func plainOperands(e ast.Expr) bool {
	return !slices.ContainsFunc(e.AsCall().Args(), func(arg ast.Expr) bool {
		return arg.Kind() != ast.SelectKind && arg.Kind() != ast.IdentKind && arg.Kind() != ast.LiteralKind
	})
}

// present gives what has(a.b.c) says: a.b is there too.
func present(a *ast.AST, e ast.Expr) []string {
	out := []string{"has(" + path(a, e) + ")"}
	for at := e.AsSelect().Operand(); at.Kind() == ast.SelectKind; at = at.AsSelect().Operand() {
		out = append(out, "has("+path(a, at)+")")
	}
	return out
}

// path writes a selection as if it were read, also inside has().
func path(a *ast.AST, e ast.Expr) string {
	if e.Kind() == ast.SelectKind {
		return path(a, e.AsSelect().Operand()) + "." + e.AsSelect().FieldName()
	}
	return render(a, e)
}

// render writes an expression in one way, whatever its blanks and quotes were. What cannot be written equals nothing.
func render(a *ast.AST, e ast.Expr) string {
	text, err := cel.ExprToString(e, a.SourceInfo())
	if err != nil {
		return ""
	}
	return text
}

func isCall(e ast.Expr, function string) bool {
	return e.Kind() == ast.CallKind && e.AsCall().FunctionName() == function
}

// filtered gives the facts about the items of a list that filter() has sifted, under the name of another variable:
// after .filter(i, has(i.read.output)) the items of the list have it.
func filtered(a *ast.AST, list ast.Expr, variable string) []string {
	if list.Kind() != ast.ComprehensionKind {
		return nil
	}
	sieve := list.AsComprehension()
	if !isCall(sieve.LoopStep(), operators.Conditional) {
		return nil
	}
	kept := sieve.LoopStep().AsCall().Args()
	if !isCall(kept[1], operators.Add) || kept[2].Kind() != ast.IdentKind || !isItself(kept[1], sieve.IterVar()) {
		return nil
	}
	about := regexp.MustCompile(`^has\(` + regexp.QuoteMeta(sieve.IterVar()) + `(\.[\w.\[\]]+)\)$`)
	var out []string
	for _, fact := range append(whenTrue(a, kept[0]), filtered(a, sieve.IterRange(), sieve.IterVar())...) {
		if m := about.FindStringSubmatch(fact); m != nil {
			out = append(out, "has("+variable+m[1]+")")
		}
	}
	return out
}

// isItself sees filter's step: the list so far and the item, unchanged.
func isItself(add ast.Expr, variable string) bool {
	last := add.AsCall().Args()[1]
	if last.Kind() != ast.ListKind || last.AsList().Size() != 1 {
		return false
	}
	item := last.AsList().Elements()[0]
	return item.Kind() == ast.IdentKind && item.AsIdent() == variable
}
