package syntax

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Limits of a file: far above anything a person writes, far below what would hurt.
const (
	MaxBytes = 1 << 20
	MaxDepth = 64
)

// Parse reads one YAML document. All that is wrong comes back at once, sorted by place; the tree holds what could be
// read besides, and is nil only when nothing could.
func Parse(file string, data []byte) (*Node, []Problem) {
	start := Position{File: file, Line: 1, Column: 1}
	if len(data) > MaxBytes {
		return nil, []Problem{start.Problem("size", "the file has %d bytes; the limit is %d", len(data), MaxBytes)}
	}
	if at, ok := invalidUTF8(data); ok {
		at.File = file
		return nil, []Problem{at.Problem("encoding", "the file is not UTF-8 here; save it as UTF-8")}
	}
	p := &parser{file: file, lines: splitLines(data)}
	root, err := decode(data, p.second)
	if err != nil {
		p.syntaxError(err)
		return nil, p.problems
	}
	if root == nil || len(root.Content) == 0 {
		return nil, []Problem{start.Problem("empty", "the file is empty")}
	}
	tree := p.node(root.Content[0], 0)
	return tree, Sort(p.problems)
}

type parser struct {
	file     string
	lines    [][]rune
	problems []Problem
}

func (p *parser) report(at Position, rule, format string, args ...any) {
	p.problems = append(p.problems, at.Problem(rule, format, args...))
}

// decode gives the first document and tells second of another one. The YAML library panics on a few broken inputs;
// here that is a syntax error like any other.
func decode(data []byte, second func(*yaml.Node)) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("yaml: %v", r)
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	var first, next yaml.Node
	if err := d.Decode(&first); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	switch err := d.Decode(&next); {
	case errors.Is(err, io.EOF):
		return &first, nil
	case err != nil:
		return nil, err
	}
	second(&next)
	return &first, nil
}

func (p *parser) second(doc *yaml.Node) {
	at := Position{File: p.file, Line: max(doc.Line, 1), Column: max(doc.Column, 1)}
	p.report(at, "documents", "a second document starts here; keep one document in a file and remove the `---`")
}

// syntaxError places the YAML library's error. The library gives the place only inside its text.
func (p *parser) syntaxError(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	at := Position{File: p.file, Line: 1, Column: 1}
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(text); m != nil {
		at.Line, _ = strconv.Atoi(m[1])
		text = strings.TrimPrefix(text, m[0])
	}
	if countsFromZero().MatchString(text) {
		at.Line++
	}
	at.Line = min(at.Line, max(len(p.lines), 1))
	if line, column, ok := p.unquotedHole(at.Line); ok {
		at.Line, at.Column = line, column
		p.report(at, "quote", "an expression inside {…} or […] is cut by its braces and commas; quote it: \"${{ … }}\"")
		return
	}
	if strings.Contains(text, "',' or") {
		text += "; inside {…} and […] quote what has commas, braces or quotes of its own"
	}
	if strings.HasPrefix(strings.TrimLeft(string(p.lines[at.Line-1]), " "), "\t") {
		text = "the line is indented with a tab; YAML wants spaces"
	}
	p.report(at, "yaml", "not readable as YAML: %s", text)
}

// countsFromZero matches the errors of the library's parser; those of its scanner count lines from 1.
func countsFromZero() *regexp.Regexp {
	return regexp.MustCompile(`^did not find expected (key|node content|'|<)`)
}

// unquotedHole looks, in the lines around a syntax error, for a `${{` that stands unquoted after `{` or `[` of YAML.
func (p *parser) unquotedHole(near int) (line, column int, ok bool) {
	for _, number := range []int{near, near - 1, near + 1} {
		if number < 1 || number > len(p.lines) {
			continue
		}
		if c, ok := holeInFlow(p.lines[number-1]); ok {
			return number, c, true
		}
	}
	return 0, 0, false
}

func holeInFlow(line []rune) (column int, ok bool) {
	var quote rune
	depth := 0
	for i, c := range line {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '$' && slices.Equal(line[i:min(i+3, len(line))], []rune("${{")):
			return i + 1, depth > 0
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return 0, false
}

func invalidUTF8(data []byte) (Position, bool) {
	at := Position{Line: 1, Column: 1}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			return at, true
		}
		at.Column++
		if r == '\n' {
			at.Line, at.Column = at.Line+1, 1
		}
		data = data[size:]
	}
	return at, false
}

// splitLines breaks the text where YAML does.
func splitLines(data []byte) [][]rune {
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").
		Replace(strings.TrimPrefix(string(data), "\ufeff"))
	var out [][]rune
	for line := range strings.SplitSeq(text, "\n") {
		out = append(out, []rune(line))
	}
	return out
}
