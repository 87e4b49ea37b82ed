package compile

import (
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// What an alert says is an attacker's choice: names of containers, command lines. So may be what a failure says, what an
// activity gives of what it found, and what somebody tells the case. Where a field of an activity is code, such words must
// not become part of it, unless the function that was made for the language has quoted them. They are followed through
// set, foreach, the variables of expressions, and the inputs and outputs of calls.

// taint says whose words a value may have; "" where it has none that an attacker can choose.
type taint string

const (
	byAlert   taint = "an attacker chooses what the alert says"
	byFailure taint = "an attacker may choose what a failure says"
	bySignal  taint = "whoever sends a signal chooses what it says"
	byAnswer  taint = "whoever answers chooses what the answer says"
	byRun     taint = "what the run's record says may be an attacker's choice"
	nobodys   taint = ""
)

func byStep(id string) taint { return taint("an attacker may choose what step \"" + id + "\" gives") }

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

// tainted tells whose words an expression gives, other than through the language's quote function. An empty language knows
// no such function.
func (c *compiler) tainted(checked *cel.Ast, language string) taint {
	return tracing{compiler: c, tree: checked.NativeRep(), language: language}.of(checked.NativeRep().Expr())
}

// tracing follows an attacker's words through one expression.
type tracing struct {
	*compiler

	tree     *ast.AST
	language string
	own      map[string]taint // the variables of the loops around
}

func (t tracing) of(e ast.Expr) taint {
	if wordless(t.tree.GetType(e.ID())) {
		return nobodys
	}
	switch e.Kind() {
	case ast.IdentKind:
		return t.variable(e.AsIdent())
	case ast.SelectKind:
		return t.selection(e)
	case ast.CallKind:
		return t.call(e.AsCall())
	case ast.ListKind:
		return t.first(e.AsList().Elements()...)
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			if by := t.first(entry.AsMapEntry().Key(), entry.AsMapEntry().Value()); by != nobodys {
				return by
			}
		}
	case ast.ComprehensionKind:
		return t.loop(e.AsComprehension())
	}
	return nobodys
}

// wordless tells whether no value of the type has words of anybody in it.
func wordless(t *cel.Type) bool {
	if t == nil {
		return false
	}
	switch t.Kind() {
	case types.BoolKind, types.IntKind, types.UintKind, types.DoubleKind, types.TimestampKind, types.DurationKind, types.NullTypeKind:
		return true
	}
	return false
}

func (t tracing) first(list ...ast.Expr) taint {
	for _, e := range list {
		if by := t.of(e); by != nobodys {
			return by
		}
	}
	return nobodys
}

// variable is that of a whole variable; of run, steps and inputs single fields are told apart in selection.
func (t tracing) variable(name string) taint {
	if by, own := t.own[name]; own {
		return by
	}
	switch name {
	case "alert", plan.EventVar:
		return byAlert
	case plan.ErrorVar:
		return byFailure
	case plan.SignalsVar:
		return bySignal
	case "run", stepsType, plan.OutputVar, plan.PlanVar, plan.TargetVar:
		return byRun
	case inputsType:
		if len(t.options.dirty) > 0 {
			return byAlert
		}
	}
	return t.dirtyItems[name]
}

// selection tells by the type of what it selects from, so that it is the same by whatever name that goes.
func (t tracing) selection(e ast.Expr) taint {
	on, field := e.AsSelect().Operand(), e.AsSelect().FieldName()
	if from := t.tree.GetType(on.ID()); from != nil && from.Kind() == types.StructKind {
		if v, step := t.types.views[from.TypeName()]; step {
			return t.ofStep(v, field)
		}
		switch {
		case from.TypeName() == "run" && field != "record",
			from.TypeName() == inputsType && !slices.Contains(t.options.dirty, field):
			return nobodys
		case from.TypeName() == stepsType: // a step as a whole has its error in it
			return byFailure
		}
	}
	if t.answer(on) && slices.Contains([]string{"choice", "hash", "automatic"}, field) {
		return nobodys // the choice is a word of the playbook
	}
	return t.of(on)
}

// ofStep is that of one field of a step's results.
func (t tracing) ofStep(v *view, field string) taint {
	switch {
	case field == "status":
		return nobodys
	case field != "output": // its error, or what has a step's error in it
		return byFailure
	case v.choices != nil:
		return byAnswer
	case v.verb:
		return t.dirtySteps[v.id]
	case v.gathers:
		return t.gathered(v)
	}
	return byStep(v.id)
}

// gathered is that of all outputs of a block.
func (t tracing) gathered(block *view) taint {
	for _, v := range block.children {
		if by := t.ofStep(v, "output"); by != nobodys {
			return by
		}
	}
	return nobodys
}

// answer tells whether an expression is the output of an approval.
func (t tracing) answer(e ast.Expr) bool {
	if e.Kind() != ast.SelectKind || e.AsSelect().FieldName() != "output" {
		return false
	}
	from := t.tree.GetType(e.AsSelect().Operand().ID())
	if from == nil || from.Kind() != types.StructKind {
		return false
	}
	v := t.types.views[from.TypeName()]
	return v != nil && v.choices != nil
}

func (t tracing) call(call ast.CallExpr) taint {
	if t.language != "" && call.FunctionName() == t.language+".quote" {
		return nobodys
	}
	args := call.Args()
	switch call.FunctionName() {
	case operators.Conditional:
		args = args[1:]
	case operators.Index: // what is found is the container's, whoever chose the key
		args = args[:1]
	}
	if call.IsMemberFunction() {
		args = append([]ast.Expr{call.Target()}, args...)
	}
	return t.first(args...)
}

// loop follows the words through the variables of a loop: its item has those of the list, and what is gathered those of
// each round.
func (t tracing) loop(loop ast.ComprehensionExpr) taint {
	of := t.of(loop.IterRange())
	gathered := t.of(loop.AccuInit())
	inside := t
	inside.own = maps.Clone(t.own)
	if inside.own == nil {
		inside.own = map[string]taint{}
	}
	inside.own[loop.IterVar()], inside.own[loop.IterVar2()], inside.own[loop.AccuVar()] = of, of, gathered
	if gathered == nobodys {
		inside.own[loop.AccuVar()] = inside.of(loop.LoopStep())
	}
	return inside.of(loop.Result())
}

// soil notes whose words a step gives, and the steps around it, through which it is read too.
func (c *compiler) soil(path string, by taint) {
	if by == nobodys {
		return
	}
	for id := range strings.SplitSeq(path, "/") {
		c.dirtySteps[id] = by
	}
}

func (c *compiler) dirtyEntries(list []plan.Entry) taint {
	for _, e := range list {
		if by := c.dirtyValue(e.Value); by != nobodys {
			return by
		}
	}
	return nobodys
}

func (c *compiler) dirtyValue(v plan.Value) taint {
	var found taint
	note := func(e *plan.Expr) {
		if e != nil && found == nobodys {
			found = c.dirtyAt[e.Pos]
		}
	}
	note(v.Expr)
	for _, p := range v.Text {
		note(p.Expr)
	}
	for _, item := range v.List {
		if found == nobodys {
			found = c.dirtyValue(item)
		}
	}
	if found == nobodys {
		found = c.dirtyEntries(v.Map)
	}
	return found
}

// spliced checks an expression with words around it, and gives the language in which what it gives is escaped. Inside the
// quotes of a PromQL literal that is done without a word.
func (c *compiler) spliced(s span, checked *cel.Ast, language string, at literalState) string {
	quoted, by := language == "promql" && at.quote != 0, c.tainted(checked, "")
	switch {
	case by == nobodys:
		return ""
	case quoted && at.quote == '`':
		c.reader.Add(s.at(0).Problem("tainted", "nothing can be escaped inside of backticks, and %s; use double quotes", by))
	case quoted && at.pattern && c.tainted(checked, "regex") != nobodys:
		c.reader.Add(s.at(0).Problem("tainted", "this is a regular expression, and %s; write regex.quote(%s)", by, s.source))
	case quoted:
		return language
	case c.tainted(checked, language) != nobodys:
		c.reader.Add(s.at(0).Problem("tainted", "this is %s, and %s; write %s.quote(%s)", languageName(language), by, language, s.source))
	}
	return ""
}
