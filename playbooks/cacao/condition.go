package cacao

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// input is a variable of CACAO that became an input of the playbook.
type input struct {
	name string
	kind string // string, integer, number or boolean
	used bool
	from *reader
}

// condition translates a condition on variables into CEL; false where it cannot be said.
func (im *importer) condition(source string) (string, bool) {
	c := &condition{im: im, rest: tokens(source)}
	out, ok := c.or()
	if !ok || len(c.rest) > 0 {
		return "", false
	}
	for _, in := range c.reads {
		in.used = true
	}
	return out, true
}

// condition is one as it is read.
type condition struct {
	im    *importer
	rest  []string
	reads []*input
	depth int
}

// tokens takes a condition apart; what is no token makes a token that nobody knows.
func tokens(source string) []string {
	return regexp.MustCompile(`'(?:[^'\\]|\\.)*'|__[A-Za-z_][A-Za-z0-9_-]*__(?::value)?|[A-Za-z]+|-?[0-9]+(?:\.[0-9]+)?|[=!<>]=|<>|[=<>()\[\],]|\S`).
		FindAllString(source, -1)
}

func (c *condition) take(words ...string) bool {
	if len(c.rest) > 0 && slices.Contains(words, strings.ToUpper(c.rest[0])) {
		c.rest = c.rest[1:]
		return true
	}
	return false
}

func (c *condition) or() (string, bool) { return c.joined("OR", " || ", c.and) }

func (c *condition) and() (string, bool) { return c.joined("AND", " && ", c.one) }

func (c *condition) joined(word, operator string, next func() (string, bool)) (string, bool) {
	out, ok := next()
	for ok && c.take(word) {
		var more string
		more, ok = next()
		out += operator + more
	}
	return out, ok
}

func (c *condition) one() (string, bool) {
	if c.depth++; c.depth > maxNesting {
		return "", false
	}
	defer func() { c.depth-- }()
	switch {
	case c.take("NOT"):
		inner, ok := c.one()
		return "!(" + inner + ")", ok
	case c.take("(", "["):
		inner, ok := c.or()
		return "(" + inner + ")", ok && c.take(")", "]")
	}
	return c.comparison()
}

func (c *condition) comparison() (string, bool) {
	in, ok := c.variable()
	if !ok {
		return "", false
	}
	if c.take("IN") {
		return c.in(in)
	}
	operators := map[string]string{"=": "==", "==": "==", "!=": "!=", "<>": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
	if len(c.rest) < 2 || operators[c.rest[0]] == "" {
		return "", false
	}
	operator := operators[c.rest[0]]
	c.rest = c.rest[1:]
	v, ok := c.literal(in)
	if strings.ContainsAny(operator, "<>") && (in.kind == "boolean" || in.kind == "string") {
		return "", false
	}
	return fmt.Sprintf("inputs.%s %s %s", in.name, operator, v), ok
}

func (c *condition) in(in *input) (string, bool) {
	if !c.take("(") {
		return "", false
	}
	var list []string
	for {
		v, ok := c.literal(in)
		if !ok {
			return "", false
		}
		if list = append(list, v); !c.take(",") {
			break
		}
	}
	return fmt.Sprintf("inputs.%s in [%s]", in.name, strings.Join(list, ", ")), c.take(")")
}

func (c *condition) variable() (*input, bool) {
	if len(c.rest) == 0 {
		return nil, false
	}
	in := c.im.inputs[strings.TrimSuffix(c.rest[0], ":value")]
	if in == nil {
		return nil, false
	}
	c.rest, c.reads = c.rest[1:], append(c.reads, in)
	return in, true
}

// literal reads a constant of the variable's type. CACAO also writes numbers and booleans as texts.
func (c *condition) literal(in *input) (string, bool) {
	if len(c.rest) == 0 {
		return "", false
	}
	word := c.rest[0]
	c.rest = c.rest[1:]
	quoted := len(word) > 1 && word[0] == '\''
	if quoted {
		word = regexp.MustCompile(`\\(.)`).ReplaceAllString(word[1:len(word)-1], "$1")
	}
	var err error
	switch in.kind {
	case "string":
		return celText(word), quoted
	case "integer":
		var v int64
		v, err = strconv.ParseInt(word, 10, 64)
		word = strconv.FormatInt(v, 10)
	case "number":
		var v float64
		v, err = strconv.ParseFloat(word, 64)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", false
		}
		if word = strconv.FormatFloat(v, 'f', -1, 64); !strings.Contains(word, ".") {
			word += ".0"
		}
	default:
		word = strings.ToLower(word)
		return word, word == "true" || word == "false"
	}
	return word, err == nil
}

// celText writes a text of CEL; Go's escapes are CEL's.
func celText(v string) string {
	if strings.ContainsAny(v, `'\`) || printable(v) != v {
		return strconv.Quote(v)
	}
	return "'" + v + "'"
}
