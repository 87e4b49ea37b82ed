package ticket

import (
	"fmt"
	"regexp"
	"strings"
)

// escapeLine is escape for a line of its own, where a few characters make a list, a rule, a heading of the line above or
// a block of code.
func escapeLine(line string) string {
	text := strings.TrimLeft(line, " ")
	indent := line[:min(len(line)-len(text), 3)] // four spaces would be a block of code
	marker := leading.FindStringSubmatch(text)
	if marker == nil {
		return indent + escape(text)
	}
	return indent + marker[1] + `\` + marker[2] + escape(text[len(marker[0]):])
}

// leading is what opens a block: 1. and 1) with the number apart, which needs no backslash.
var leading = regexp.MustCompile(`^([0-9]*)([-+=.)])`)

// escape keeps an attacker's words from becoming links, images, markup, mentions or control sequences of a terminal.
func escape(text string) string {
	var b strings.Builder
	for _, r := range defang(text) {
		switch {
		case strings.ContainsRune("\\`*_{}[]<>#|!&~$", r):
			b.WriteRune('\\')
			b.WriteRune(r)
		case unseen(r):
			fmt.Fprintf(&b, "\\\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unseen tells control characters, and those that hide text or turn it around.
func unseen(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0, r == 0x00ad, r == 0x061c, r == 0xfeff, r >= 0xe0000 && r <= 0xe007f:
		return true
	case r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true
	}
	return false
}

var (
	address = regexp.MustCompile(`(?i)\b(www)\.`)
	scheme  = regexp.MustCompile(`(?i)(://|\b(?:mailto|xmpp):)`)
	mail    = regexp.MustCompile(`([\pL\pN._%+-])@([\pL\pN_-]+\.)`)
	mention = regexp.MustCompile(`(^|[^\pL\pN_])@([\pL\pN])`)
)

// defang writes what a renderer makes a link of without any markup as responders write it: https[:]//evil, www[.]evil,
// someone[@]evil. A backslash does not help there: some renderers look for links in what is already rendered.
func defang(text string) string {
	text = scheme.ReplaceAllStringFunc(text, func(s string) string { return strings.Replace(s, ":", "[:]", 1) })
	text = address.ReplaceAllString(text, "$1[.]")
	text = mail.ReplaceAllString(text, "$1[@]$2")
	return mention.ReplaceAllString(text, "$1[@]$2")
}
