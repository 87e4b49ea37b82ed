package compile

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// choice checks the words that an approval's choice is compared with: a typo would never be true.
func (r *reading) choice(call ast.CallExpr) {
	args := call.Args()
	switch call.FunctionName() {
	case operators.Equals, operators.NotEquals:
		r.answer(args[0], args[1])
		r.answer(args[1], args[0])
	case operators.In:
		if args[1].Kind() == ast.ListKind {
			for _, word := range args[1].AsList().Elements() {
				r.answer(args[0], word)
			}
		}
	}
}

func (r *reading) answer(read, word ast.Expr) {
	if read.Kind() != ast.SelectKind || read.AsSelect().FieldName() != "choice" || word.Kind() != ast.LiteralKind {
		return
	}
	output := read.AsSelect().Operand()
	if output.Kind() != ast.SelectKind {
		return
	}
	v := r.viewOf(output)
	given, ok := word.AsLiteral().(types.String)
	if v == nil || len(v.choices) == 0 || !ok {
		return
	}
	if !slices.Contains(v.choices, string(given)) {
		r.report(word, "choice", "step %q has no choice %q%s", v.id, string(given), syntax.DidYouMean(string(given), v.choices))
	}
}
