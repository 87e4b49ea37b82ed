package yara

import (
	"errors"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/indicators/pattern"
)

func (p *parser) stringSection() error {
	if ok, err := p.section("strings"); !ok || err != nil {
		return err
	}
	for !p.is("condition") {
		if err := p.stringLine(); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) stringLine() error {
	s := &str{id: p.token.text, at: p.token.at}
	if p.token.kind != tokenString || s.id[0] != '$' {
		return p.unexpected(`a string, as in $a = "text",`)
	}
	if p.rule.find(s.id) >= 0 {
		return mistakeAt(s.at, "another string is called %q", s.id)
	}
	if len(p.rule.strings) == maxStrings {
		return mistakeAt(s.at, "a rule has %d strings at most", maxStrings)
	}
	if err := p.take(); err != nil {
		return err
	}
	if !p.is("=") {
		return p.unexpected(`"="`)
	}
	if err := p.space(); err != nil {
		return err
	}
	d := definition{at: p.at}
	if err := p.value(&d); err != nil {
		return err
	}
	if err := p.modifiers(&d); err != nil {
		return err
	}
	if err := d.build(s); err != nil {
		return err
	}
	p.rule.strings = append(p.rule.strings, s)
	return nil
}

// definition is what stands behind a string's name.
type definition struct {
	at, body                               int // of the value, and of the first byte inside
	kind                                   byte
	text, flags                            string
	ascii, wide, nocase, fullword, private bool
}

// value reads the value, whose kind its first byte says.
func (p *parser) value(d *definition) (err error) {
	if p.at < len(p.src) {
		d.kind = p.src[p.at]
	}
	d.body = p.at + 1
	switch d.kind {
	case '"':
		if err := p.take(); err != nil {
			return err
		}
		d.text = p.token.text
	case '{':
		p.at++
		d.text, err = p.hex()
	case '/':
		d.text, d.flags, err = p.regex()
	default:
		return mistakeAt(d.at, "a string is a text in quotes, {hexadecimal bytes} or a /regular expression/")
	}
	if err != nil {
		return err
	}
	return p.take()
}

func (p *parser) modifiers(d *definition) error {
	seen := map[string]bool{}
	for p.token.kind == tokenWord && p.token.text != "condition" {
		word := p.token.text
		if seen[word] {
			return mistakeAt(p.token.at, "%s stands here twice", word)
		}
		seen[word] = true
		if err := d.modify(word, p.token.at); err != nil {
			return err
		}
		if err := p.take(); err != nil {
			return err
		}
	}
	return nil
}

func (d *definition) modify(word string, at int) error {
	switch word {
	case "private":
		d.private = true
		return nil
	case "xor", "base64", "base64wide":
		return mistakeAt(at, "the modifier %s is outside the subset", word)
	}
	if d.kind == '{' {
		return mistakeAt(at, "a hexadecimal string has no modifier %q", word)
	}
	switch word {
	case "ascii":
		d.ascii = true
	case "wide":
		d.wide = true
	case "nocase":
		d.nocase = true
	case "fullword":
		d.fullword = true
	default:
		return mistakeAt(at, "%q is no modifier of a string", word)
	}
	return nil
}

// parse makes a pattern of the value.
func (d *definition) parse() (*pattern.Node, error) {
	switch d.kind {
	case '"':
		if d.text == "" {
			return nil, errors.New("the text is empty")
		}
		n := pattern.Text([]byte(d.text))
		if d.nocase {
			n = n.Folded()
		}
		return n, nil
	case '{':
		return pattern.Hex(d.text)
	}
	if strings.Trim(d.flags, "is") != "" {
		return nil, errors.New("a regular expression has the flags i and s alone")
	}
	return pattern.Regex(d.text, d.nocase || strings.Contains(d.flags, "i"), strings.Contains(d.flags, "s"))
}

// build makes what is looked for.
func (d *definition) build(s *str) error {
	n, err := d.parse()
	if err != nil {
		var syntax *pattern.SyntaxError
		if errors.As(err, &syntax) {
			return mistakeAt(d.body+syntax.At, "%s", syntax.Why)
		}
		return mistakeAt(d.at, "%s", err)
	}
	s.private, s.fullword = d.private, d.fullword
	if d.ascii || !d.wide {
		if err := s.look(n, false); err != nil {
			return mistakeAt(d.at, "%s", err)
		}
	}
	if !d.wide {
		return nil
	}
	if n.Has(pattern.Boundary, pattern.Inside) {
		return mistakeAt(d.at, "\\b and \\B in a wide string are outside the subset")
	}
	if err := s.look(n.Wide(), true); err != nil {
		return mistakeAt(d.at, "%s", err)
	}
	return nil
}

func (s *str) look(n *pattern.Node, wide bool) error {
	program, err := pattern.Compile(n)
	if err != nil {
		return err
	}
	s.variants = append(s.variants, variant{program: program, atoms: pattern.Atoms(n), wide: wide})
	return nil
}
