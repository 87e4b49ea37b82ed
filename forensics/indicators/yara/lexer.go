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
