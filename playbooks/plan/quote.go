package plan

import (
	"fmt"
	"regexp"
	"strings"
)

// Languages are those in which a value of an activity's input may be code. An attacker's words must not become part of it
// unquoted.
func Languages() []string { return []string{"promql", "regex", "selector", "shell"} }

// Quote gives text as data of a language: a string literal of PromQL, a regular expression that matches just this text, a
// value of a label selector, or one word of a POSIX shell.
func Quote(language, text string) (string, error) {
	switch language {
	case "promql":
		return `"` + Escape(text) + `"`, nil
	case "regex":
		return regexp.QuoteMeta(text), nil
	case "selector":
		return labelValue(text)
	case "shell":
		return shellWord(text)
	}
	return "", fmt.Errorf("nobody knows how to quote %q", language)
}

// Escape gives text as it stands inside quotes of PromQL, whichever they are: its string literals follow Go's
// (https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals). Quotes are written by their numbers, since a
// backslash before the quote that does not enclose the literal is an error.
func Escape(text string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == '"' || r == '\'' || r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// labelValue refuses what no label can have: then nothing is selected by it.
func labelValue(text string) (string, error) {
	if !regexp.MustCompile(`^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$`).MatchString(text) {
		return "", fmt.Errorf("no label can have the value that was given: it has other characters than letters, digits, dashes, dots and underscores, or more than 63")
	}
	return text, nil
}

// shellWord quotes for a POSIX shell (IEEE Std 1003.1, 2.2.2): nothing inside single quotes means anything.
func shellWord(text string) (string, error) {
	if strings.ContainsRune(text, 0) {
		return "", fmt.Errorf("a word of a shell cannot hold a zero byte")
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'", nil
}
