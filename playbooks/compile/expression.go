package compile

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/types"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// span is an expression inside a scalar of the file.
type span struct {
	node   *syntax.Node
	start  int // index in the scalar's runes
	source string
}

func (s span) at(offset int) syntax.Position { return s.node.At(s.start + offset) }

func (s span) expr() plan.Expr {
	return plan.Expr{Source: s.source, Pos: position(s.at(0))}
}

// whole makes the span of a scalar that is an expression from end to end.
func whole(n *syntax.Node) span {
	trimmed := strings.TrimLeft(n.Text, " \t\n")
	start := len([]rune(n.Text)) - len([]rune(trimmed))
	return span{node: n, start: start, source: strings.TrimSpace(n.Text)}
}

// expression checks a key whose value is a bare expression.
func (c *compiler) expression(n *syntax.Node, p place) (plan.Expr, *cel.Type, bool) {
	e, checked, ok := c.bare(n, p)
	if !ok {
		return e, cel.DynType, false
	}
	return e, checked.OutputType(), true
}

// bare checks a bare expression and gives its syntax too.
func (c *compiler) bare(n *syntax.Node, p place) (plan.Expr, *cel.Ast, bool) {
	switch {
	case n.Kind == syntax.Broken:
		return plan.Expr{}, nil, false
	case n.Kind == syntax.List || n.Kind == syntax.Map || n.Kind == syntax.Null:
		c.reader.Report(n, "type", "an expression is needed here, not %s", n.Kind)
		return plan.Expr{}, nil, false
	case strings.HasPrefix(strings.TrimSpace(n.Text), opening):
		c.reader.Report(n, "expression", "write the expression bare here, without ${{ and }}")
		return plan.Expr{}, nil, false
	}
	s := whole(n)
	checked, ok := c.check(s, p)
	return s.expr(), checked, ok
}

// condition checks a bare expression that must be true or false.
func (c *compiler) condition(n *syntax.Node, p place) (plan.Expr, bool) {
	e, t, ok := c.expression(n, p)
	if ok && t.Kind() != types.BoolKind && t.Kind() != types.DynKind {
		c.reader.Report(n, "type", "a condition must be true or false, but this is %s", c.types.describe(t))
		return e, false
	}
	return e, ok
}

// check parses and types an expression and applies the rules about what it reads.
func (c *compiler) check(s span, p place) (*cel.Ast, bool) {
	if s.source == "" {
		c.reader.Add(s.at(0).Problem("expression", "the expression is empty"))
		return nil, false
	}
	env, err := c.checker.env(p)
	if err != nil {
		c.reader.Add(s.at(0).Problem("internal", "the expression cannot be checked: %v", err))
		return nil, false
	}
	parsed, ok := c.parse(s, env)
	if !ok {
		return nil, false
	}
	c.types.steps, c.types.misses = p.steps, nil
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		c.markInputs(parsed.NativeRep())
		c.typeErrors(s, p, parsed.NativeRep(), issues.Errors())
		return nil, false
	}
	c.typed[position(s.at(0))] = checked.OutputType()
	c.dirtyAt[position(s.at(0))] = c.tainted(checked, "")
	r := reading{compiler: c, span: s, place: p, ast: checked.NativeRep()}
	return checked, r.all()
}

// parse reads an expression once, wherever it stands: its syntax does not depend on the place.
func (c *compiler) parse(s span, env *cel.Env) (*cel.Ast, bool) {
	if known, ok := c.parsed[s.source]; ok {
		return known, true
	}
	parsed, issues := env.Parse(s.source)
	if issues.Err() != nil {
		c.syntaxError(s, issues.Errors()[0])
		return nil, false
	}
	c.parsed[s.source] = parsed
	return parsed, true
}

func (c *compiler) syntaxError(s span, e *common.Error) {
	offset := s.offset(e.Location)
	message, _, _ := strings.Cut(e.Message, " expecting ")
	message = strings.TrimPrefix(message, "Syntax error: ")
	switch source := []rune(s.source); {
	case offset+1 < len(source) && source[offset] == '=' && source[offset+1] != '=':
		message = "equality is written =="
	case strings.Contains(message, "<EOF>"):
		message = "it ends too early"
	}
	c.reader.Add(s.at(offset).Problem("expression", "the expression is not readable: %s", message))
}

// offset turns CEL's line and column into an index in the expression.
func (s span) offset(at common.Location) int {
	lines := strings.SplitAfter(s.source, "\n")
	offset := 0
	for i := 0; i < at.Line()-1 && i < len(lines); i++ {
		offset += len([]rune(lines[i]))
	}
	return max(0, min(offset+at.Column(), len([]rune(s.source))-1))
}
