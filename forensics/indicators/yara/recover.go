package yara

import "strings"

// recover goes on behind a mistake in what began at from: at the next line that begins as a rule does, outside of texts,
// regular expressions and comments.
func (p *parser) recover(from int) {
	wrong := max(from+1, p.token.at)
	for at, before := from, byte(0); at < len(p.src); {
		if at >= wrong && p.startsRule(at) {
			p.at = at
			return
		}
		next := p.piece(at, before)
		if c := p.src[next-1]; strings.IndexByte(" \t\r\n", c) < 0 {
			before = c
		}
		at = next
	}
	p.at = len(p.src)
}

// startsRule tells whether a rule, an import or an include begins a line here.
func (p *parser) startsRule(at int) bool {
	line := p.lines[max(0, p.lineOf(at)-1)]
	if strings.Trim(p.src[line:at], " \t") != "" {
		return false
	}
	for _, word := range []string{"rule", "private", "global", "import", "include"} {
		if rest, ok := strings.CutPrefix(p.src[at:min(len(p.src), at+10)], word); ok && (rest == "" || !nameByte(rest[0])) {
			return true
		}
	}
	return false
}

// piece gives the end of the text, expression, comment or name that begins at a byte, or of the byte itself. An expression
// follows an equals sign.
func (p *parser) piece(at int, before byte) int {
	rest := p.src[at:]
	switch {
	case strings.HasPrefix(rest, "//"):
		return at + until(rest, "\n", 2)
	case strings.HasPrefix(rest, "/*"):
		return at + until(rest, "*/", 2)
	case rest[0] == '"', rest[0] == '/' && before == '=':
		return at + quotedLength(rest)
	case nameByte(rest[0]):
		n := 1
		for n < len(rest) && nameByte(rest[n]) {
			n++
		}
		return at + n
	}
	return at + 1
}

// until gives the length up to the end of what is looked for, or of all.
func until(s, what string, from int) int {
	if i := strings.Index(s[from:], what); i >= 0 {
		return from + i + len(what)
	}
	return len(s)
}

// quotedLength gives the length of what ends with the byte that it begins with, or with its line.
func quotedLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0], '\n':
			return i + 1
		}
	}
	return len(s)
}
