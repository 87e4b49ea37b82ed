package compile

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// What an alert says is an attacker's choice: names of containers, command lines. Where a field of an activity is code, it
// must not become part of it, unless the function that was made for the language has quoted it. It is followed through
// set, foreach and the inputs and outputs of calls; what an activity makes of it is the activity's.

func languageName(language string) string {
	switch language {
	case "promql":
		return "PromQL"
	case "regex":
		return "a regular expression"
	case "selector":
		return "a label selector"
	}
	return "a command of a shell"
}

// tainted tells whether an expression gives what comes from the alert, other than through the language's quote function.
// An empty language knows no such function.
func (c *compiler) tainted(checked *cel.Ast, language string) bool {
	return c.dirty(checked.NativeRep().Expr(), language)
}

func (c *compiler) dirty(e ast.Expr, language string) bool {
	switch e.Kind() {
	case ast.IdentKind:
		if e.AsIdent() == inputsType {
			return len(c.options.dirty) > 0
		}
		return slices.Contains([]string{"alert", plan.SignalsVar, plan.EventVar, plan.ErrorVar}, e.AsIdent()) || c.dirtyItems[e.AsIdent()]
	case ast.SelectKind:
		if on := e.AsSelect().Operand(); on.Kind() == ast.IdentKind && on.AsIdent() == inputsType {
			return slices.Contains(c.options.dirty, e.AsSelect().FieldName())
		}
		return !e.AsSelect().IsTestOnly() && (c.dirtySelection(e) || c.dirty(e.AsSelect().Operand(), language))
	case ast.CallKind:
		return c.dirtyCall(e.AsCall(), language)
	case ast.ListKind:
		return slices.ContainsFunc(e.AsList().Elements(), func(item ast.Expr) bool { return c.dirty(item, language) })
	case ast.MapKind:
		return slices.ContainsFunc(e.AsMap().Entries(), func(entry ast.EntryExpr) bool {
			return c.dirty(entry.AsMapEntry().Key(), language) || c.dirty(entry.AsMapEntry().Value(), language)
		})
	case ast.ComprehensionKind:
		loop := e.AsComprehension()
		return c.dirty(loop.IterRange(), language) || c.dirty(loop.AccuInit(), language) || c.dirty(loop.LoopStep(), language)
	}
	return false
}

// dirtySelection sees the run's record, which has the alert, and the steps that have set values from it.
func (c *compiler) dirtySelection(e ast.Expr) bool {
	on := e.AsSelect().Operand()
	if on.Kind() != ast.IdentKind {
		return false
	}
	field := e.AsSelect().FieldName()
	return on.AsIdent() == "run" && field == "record" || on.AsIdent() == stepsType && c.dirtySteps[field]
}

func (c *compiler) dirtyCall(call ast.CallExpr, language string) bool {
	if language != "" && call.FunctionName() == language+".quote" {
		return false
	}
	// A comparison gives true or false: no words of anybody.
	if slices.Contains([]string{"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_&&_", "_||_", "!_", "@in", "size"}, call.FunctionName()) {
		return false
	}
	args := call.Args()
	if call.FunctionName() == "_?_:_" {
		args = args[1:]
	}
	return call.IsMemberFunction() && c.dirty(call.Target(), language) ||
		slices.ContainsFunc(args, func(arg ast.Expr) bool { return c.dirty(arg, language) })
}

// soil notes a step whose output comes from the alert, and the steps around it, through which it is read too.
func (c *compiler) soil(path string, is bool) {
	if !is {
		return
	}
	for id := range strings.SplitSeq(path, "/") {
		c.dirtySteps[id] = true
	}
}

func (c *compiler) dirtyEntry(e plan.Entry) bool { return c.dirtyValue(e.Value) }

func (c *compiler) dirtyValue(v plan.Value) bool {
	dirty := func(e *plan.Expr) bool { return e != nil && c.dirtyAt[e.Pos] }
	return dirty(v.Expr) || slices.ContainsFunc(v.Text, func(p plan.Part) bool { return dirty(p.Expr) }) ||
		slices.ContainsFunc(v.List, c.dirtyValue) || slices.ContainsFunc(v.Map, c.dirtyEntry)
}

// literalState is where in a text of PromQL a hole stands: inside which quotes, and whether these are of a regular
// expression.
type literalState struct {
	quote   rune // 0 outside
	pattern bool
	escaped bool
	before  [2]rune // the last two runes outside of quotes that are no blanks
}

func (l *literalState) read(words string) {
	for _, r := range words {
		switch {
		case l.quote == 0 && strings.ContainsRune("'\"`", r):
			l.quote = r
			l.pattern = l.before == [2]rune{'=', '~'} || l.before == [2]rune{'!', '~'}
		case l.quote == 0 && !strings.ContainsRune(" \t\n", r):
			l.before = [2]rune{l.before[1], r}
		case l.quote == 0:
		case l.escaped:
			l.escaped = false
		case r == '\\' && l.quote != '`':
			l.escaped = true
		case r == l.quote:
			l.quote, l.before = 0, [2]rune{}
		}
	}
}

// spliced checks an expression with words around it, and gives the language in which what it gives is escaped. Inside the
// quotes of a PromQL literal that is done without a word.
func (c *compiler) spliced(s span, checked *cel.Ast, language string, at literalState) string {
	quoted := language == "promql" && at.quote != 0
	switch {
	case !c.tainted(checked, ""):
		return ""
	case quoted && at.quote == '`':
		c.reader.Add(s.at(0).Problem("tainted", "nothing can be escaped inside of backticks, and an attacker chooses what the alert says; use double quotes"))
	case quoted && at.pattern && c.tainted(checked, "regex"):
		c.reader.Add(s.at(0).Problem("tainted", "this is a regular expression, and an attacker chooses what the alert says; write regex.quote(%s)", s.source))
	case quoted:
		return language
	case c.tainted(checked, language):
		c.reader.Add(s.at(0).Problem("tainted", "this is %s, and an attacker chooses what the alert says; write %s.quote(%s)",
			languageName(language), language, s.source))
	}
	return ""
}
