package yara

import (
	"fmt"
	"strconv"
	"strings"
)

type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a keyword or a name
	tokenNumber           // in number
	tokenText             // in text, unescaped
	tokenString           // $name, #name, @name, !name: the sign stands in text too
	tokenSign
)

type token struct {
	kind   tokenKind
	text   string
	number int64
	at     int
}

func (t token) String() string {
	switch t.kind {
	case tokenEnd:
		return "the end of the file"
	case tokenText:
		return "a text"
	}
	return strconv.Quote(t.text)
}

// mistake is an error at a byte of the source.
type mistake struct {
	at  int
	why string
}

func (m *mistake) Error() string { return m.why }

func mistakeAt(at int, format string, args ...any) error {
	return &mistake{at, fmt.Sprintf(format, args...)}
}

// lexer cuts a rule file into tokens. Regular expressions and hexadecimal strings have rules of their own, so the parser
// asks for them.
type lexer struct {
	src string
	at  int
}

// space skips spaces and comments.
func (l *lexer) space() error {
	for l.at < len(l.src) {
		rest := l.src[l.at:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			l.at++
		case strings.HasPrefix(rest, "//"):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			l.at += end
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return mistakeAt(l.at, "a comment is not closed")
			}
			l.at += end + 4
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) next() (token, error) {
	if err := l.space(); err != nil {
		return token{}, err
	}
	t := token{at: l.at}
	if l.at == len(l.src) {
		return t, nil
	}
	switch c := l.src[l.at]; {
	case nameByte(c) && !digit(c):
		t.kind, t.text = tokenWord, l.name()
	case digit(c):
		return l.number()
	case c == '"':
		return l.text()
	case c == '$' || c == '#' || c == '@' || c == '!' && !strings.HasPrefix(l.src[l.at:], "!="):
		l.at++
		t.kind, t.text = tokenString, string(c)+l.name()
	default:
		return l.sign()
	}
	return t, nil
}

func nameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || digit(c)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func (l *lexer) name() string {
	from := l.at
	for l.at < len(l.src) && nameByte(l.src[l.at]) {
		l.at++
	}
	return l.src[from:l.at]
}

// number reads decimal, 0x and 0o, and the endings KB and MB.
func (l *lexer) number() (token, error) {
	t := token{kind: tokenNumber, at: l.at}
	t.text = l.name()
	digits, unit := t.text, int64(1)
	switch {
	case strings.HasPrefix(digits, "0x"):
	case strings.HasSuffix(digits, "KB"):
		digits, unit = digits[:len(digits)-2], 1<<10
	case strings.HasSuffix(digits, "MB"):
		digits, unit = digits[:len(digits)-2], 1<<20
	}
	base := 10
	switch {
	case strings.HasPrefix(digits, "0x"):
		digits, base = digits[2:], 16
	case strings.HasPrefix(digits, "0o"):
		digits, base = digits[2:], 8
	}
	n, err := strconv.ParseInt(digits, base, 64)
	if err != nil || n > (1<<63-1)/unit {
		return token{}, mistakeAt(t.at, "%q is no number", t.text)
	}
	if strings.HasPrefix(l.src[l.at:], ".") && l.at+1 < len(l.src) && digit(l.src[l.at+1]) {
		return token{}, mistakeAt(t.at, "numbers with a fraction are outside the subset")
	}
	t.number = n * unit
	return t, nil
}

// text reads a text in quotes and takes its escapes away.
func (l *lexer) text() (token, error) {
	t := token{kind: tokenText, at: l.at}
	var b strings.Builder
	for l.at++; l.at < len(l.src); l.at++ {
		switch c := l.src[l.at]; c {
		case '"':
			l.at++
			t.text = b.String()
			return t, nil
		case '\n':
			return token{}, mistakeAt(t.at, "a text is not closed in its line")
		case '\\':
			if err := l.escape(&b); err != nil {
				return token{}, err
			}
		default:
			b.WriteByte(c)
		}
	}
	return token{}, mistakeAt(t.at, "a text is not closed")
}

// escape reads an escape and stays on its last byte.
func (l *lexer) escape(b *strings.Builder) error {
	l.at++
	rest := l.src[l.at:]
	if rest == "" {
		return mistakeAt(l.at-1, "a text is not closed")
	}
	if i := strings.IndexByte("tnr\"\\", rest[0]); i >= 0 {
		b.WriteByte("\t\n\r\"\\"[i])
		return nil
	}
	if rest[0] == 'x' && len(rest) > 2 {
		if n, err := strconv.ParseUint(rest[1:3], 16, 8); err == nil {
			b.WriteByte(byte(n))
			l.at += 2
			return nil
		}
	}
	return mistakeAt(l.at-1, "a text knows the escapes \\t \\n \\r \\\" \\\\ and \\xNN alone")
}

func (l *lexer) sign() (token, error) {
	t := token{kind: tokenSign, at: l.at}
	for _, sign := range []string{"..", "==", "!=", "<=", ">=", "<<", ">>"} {
		if strings.HasPrefix(l.src[l.at:], sign) {
			t.text = sign
			l.at += len(sign)
			return t, nil
		}
	}
	t.text = l.src[l.at : l.at+1]
	if !strings.Contains("(){}[]:=,.<>+-*\\%&|^~", t.text) {
		return token{}, mistakeAt(l.at, "%q has no meaning here", t.text)
	}
	l.at++
	return t, nil
}

// regex reads a regular expression from its first slash, and its flags.
func (l *lexer) regex() (text, flags string, err error) {
	from := l.at
	for l.at++; l.at < len(l.src) && l.src[l.at] != '\n'; l.at++ {
		switch l.src[l.at] {
		case '\\':
			l.at++
		case '/':
			text = l.src[from+1 : l.at]
			l.at++
			return text, l.name(), nil
		}
	}
	l.at = min(l.at, len(l.src))
	return "", "", mistakeAt(from, "a regular expression is not closed in its line")
}

// hex reads up to the closing brace; the opening one was read.
func (l *lexer) hex() (string, error) {
	from := l.at
	for l.at < len(l.src) && l.src[l.at] != '}' {
		if strings.HasPrefix(l.src[l.at:], "//") || strings.HasPrefix(l.src[l.at:], "/*") { // a brace in a comment closes nothing
			if err := l.space(); err != nil {
				return "", err
			}
			continue
		}
		l.at++
	}
	if l.at == len(l.src) {
		return "", mistakeAt(from, "a hexadecimal string is not closed")
	}
	l.at++
	return l.src[from : l.at-1], nil
}
