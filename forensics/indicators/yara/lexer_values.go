package yara

import (
	"strconv"
	"strings"
)

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
