package yara

import (
	"fmt"
	"strconv"
)

func (p *parser) ruleAfterKinds(r *rule) error {
	if err := p.expect("rule"); err != nil {
		return err
	}
	name, err := p.name("the rule's name")
	if err != nil {
		return err
	}
	r.name, p.rule = name, r
	if _, taken := p.set.names[name]; taken {
		return mistakeAt(p.token.at, "another rule has this name")
	}
	if len(p.set.rules) == maxRules {
		return mistakeAt(p.token.at, "there are more than %d rules", maxRules)
	}
	for _, part := range []func() error{p.tags, p.open, p.metaSection, p.stringSection, p.conditionSection} {
		if err := part(); err != nil {
			return err
		}
	}
	return p.finish()
}

// finish checks a rule that was read and puts it into the set. The closing brace is the token that was not taken.
func (p *parser) finish() error {
	if !p.is("}") {
		return p.unexpected(`"and", "or" or the rule's closing brace`)
	}
	for _, s := range p.rule.strings {
		if !s.used && s.id[min(1, len(s.id)-1)] != '_' {
			return mistakeAt(s.at, "string %q is not used in the condition", s.id)
		}
	}
	p.set.add(p.rule)
	return nil
}

func (p *parser) name(what string) (string, error) {
	if p.token.kind != tokenWord || keyword(p.token.text) {
		return "", p.unexpected(what)
	}
	name := p.token.text
	if len(name) > 128 {
		return "", mistakeAt(p.token.at, "a name has 128 bytes at most")
	}
	return name, p.take()
}

func (p *parser) open() error { return p.expect("{") }

func (p *parser) tags() error {
	if ok, err := p.accept(":"); !ok || err != nil {
		return err
	}
	for !p.is("{") {
		tag, err := p.name("a tag")
		if err != nil {
			return err
		}
		if p.rule.tags = append(p.rule.tags, tag); len(p.rule.tags) > maxTexts {
			return mistakeAt(p.token.at, "a rule has %d tags at most", maxTexts)
		}
	}
	return nil
}

// section takes the head of a section if it stands here.
func (p *parser) section(name string) (bool, error) {
	if ok, err := p.accept(name); !ok || err != nil {
		return false, err
	}
	return true, p.expect(":")
}

func (p *parser) metaSection() error {
	if ok, err := p.section("meta"); !ok || err != nil {
		return err
	}
	for !p.is("strings") && !p.is("condition") {
		if err := p.metaLine(); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) metaLine() error {
	name, err := p.name("a name of the meta section")
	if err != nil {
		return err
	}
	if err := p.expect("="); err != nil {
		return err
	}
	sign := ""
	if p.is("-") {
		sign = "-"
		if err := p.take(); err != nil {
			return err
		}
	}
	value := p.token.text
	switch {
	case p.token.kind == tokenNumber:
		value = sign + strconv.FormatInt(p.token.number, 10)
	case sign == "" && (p.token.kind == tokenText || p.is("true") || p.is("false")):
	default:
		return p.unexpected("a text, a number, true or false")
	}
	if p.rule.meta = append(p.rule.meta, Meta{name, value}); len(p.rule.meta) > maxTexts {
		return mistakeAt(p.token.at, "a rule has %d lines of meta at most", maxTexts)
	}
	return p.take()
}

func (p *parser) conditionSection() error {
	if !p.is("condition") {
		return p.unexpected(`"condition"`)
	}
	if ok, err := p.section("condition"); !ok || err != nil {
		return err
	}
	e, err := p.boolean()
	if err != nil {
		return err
	}
	p.rule.condition = e
	return nil
}

// keyword tells the words that are no names.
func keyword(word string) bool {
	switch word {
	case "all", "and", "any", "ascii", "at", "base64", "base64wide", "condition", "contains", "defined", "endswith", "entrypoint",
		"false", "filesize", "for", "fullword", "global", "icontains", "iendswith", "iequals", "import", "in", "include", "istartswith",
		"matches", "meta", "nocase", "none", "not", "of", "or", "private", "rule", "startswith", "strings", "them", "true", "wide", "xor":
		return true
	}
	_, isRead := readOf(word)
	return isRead
}

// foreign says what a word of YARA is that the subset does not have.
func foreign(word string) string {
	switch word {
	case "entrypoint":
		return "entrypoint is outside the subset: no file format is parsed"
	case "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iequals", "matches":
		return fmt.Sprintf("%s is outside the subset: there are no texts in conditions", word)
	}
	return ""
}
