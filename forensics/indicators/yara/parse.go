package yara

import (
	"errors"
	"fmt"
	"strconv"
)

// parser reads one rule file. A mistake costs its rule alone.
type parser struct {
	lexer
	file     string
	token    token // not yet taken
	lines    []int // where each line begins
	set      *Rules
	problems []Problem

	rule   *rule
	nodes  int
	depth  int
	vars   []string // of the loops around
	inside bool     // a loop over strings: $ is its string
}

// file reads a file into the set and gives what was refused.
func (s *Rules) file(name, src string) []Problem {
	p := &parser{lexer: lexer{src: src}, file: name, set: s}
	if len(src) > maxSource {
		return []Problem{{Place: Place{name, 1, 1}, Why: fmt.Sprintf("the file has more than %d bytes", maxSource)}}
	}
	for i := range len(src) {
		if i == 0 || src[i-1] == '\n' {
			p.lines = append(p.lines, i)
		}
	}
	for p.statement() {
	}
	sortProblems(p.problems)
	return p.problems
}

// statement reads one rule, import or include; false at the end of the file.
func (p *parser) statement() bool {
	p.rule, p.nodes, p.depth, p.vars, p.inside = nil, 0, 0, nil, false
	from := p.at
	err := p.take()
	if err == nil && p.token.kind == tokenEnd {
		return false
	}
	if err == nil {
		from = p.token.at
		err = p.top()
	}
	if err != nil {
		p.refuse(err)
		p.recover(from)
	}
	return true
}

// refuse notes a mistake, and that the rule it stands in is none.
func (p *parser) refuse(err error) {
	var m *mistake
	if !errors.As(err, &m) {
		m = &mistake{p.token.at, err.Error()}
	}
	problem := Problem{Place: p.place(m.at), Why: m.why}
	if p.rule != nil {
		problem.Rule = p.rule.name
		if _, taken := p.set.names[p.rule.name]; !taken {
			p.set.names[p.rule.name] = refused
		}
	}
	p.problems = append(p.problems, problem)
}

// lineOf gives the number of lines that begin at or before a byte.
func (p *parser) lineOf(at int) int {
	low, high := 0, len(p.lines)
	for low < high {
		if middle := (low + high) / 2; p.lines[middle] <= at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

func (p *parser) place(at int) Place {
	line := p.lineOf(at)
	if line == 0 {
		return Place{p.file, 1, 1}
	}
	return Place{p.file, line, at - p.lines[line-1] + 1}
}

func (p *parser) take() (err error) {
	p.token, err = p.next()
	return err
}

func (p *parser) is(text string) bool {
	return p.token.text == text && (p.token.kind == tokenSign || p.token.kind == tokenWord)
}

// accept takes a word or sign if it stands here.
func (p *parser) accept(text string) (bool, error) {
	if !p.is(text) {
		return false, nil
	}
	return true, p.take()
}

func (p *parser) expect(text string) error {
	ok, err := p.accept(text)
	if err == nil && !ok {
		err = p.unexpected(strconv.Quote(text))
	}
	return err
}

func (p *parser) unexpected(wanted string) error {
	return mistakeAt(p.token.at, "%s is expected here, not %s", wanted, p.token)
}

func (p *parser) top() error {
	switch {
	case p.is("import"):
		return p.module()
	case p.is("include"):
		return mistakeAt(p.token.at, "include is outside the subset: name the other file beside this one")
	}
	r := &rule{place: p.place(p.token.at)}
	for {
		switch {
		case p.is("private"):
			r.private = true
		case p.is("global"):
			r.global = true
		default:
			return p.ruleAfterKinds(r)
		}
		if err := p.take(); err != nil {
			return err
		}
	}
}

// module refuses an import. Rules that use the module are refused at that place.
func (p *parser) module() error {
	if err := p.take(); err != nil {
		return err
	}
	return mistakeAt(p.token.at, "module %q is outside the subset, and with it every rule that uses it", p.token.text)
}
