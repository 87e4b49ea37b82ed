package syntax

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// node turns the library's node into ours and refuses what would make a playbook mean something else than it says.
func (p *parser) node(y *yaml.Node, depth int) *Node {
	n := &Node{Position: Position{File: p.file, Line: y.Line, Column: y.Column}, Kind: Broken}
	if depth > MaxDepth {
		p.report(n.Position, "depth", "nested deeper than %d levels", MaxDepth)
		return n
	}
	if y.Anchor != "" {
		p.report(n.Position, "anchor", "anchors are not supported; write the value again where it is needed")
	}
	if y.Kind == yaml.AliasNode {
		p.report(n.Position, "anchor", "aliases are not supported; write the value of *%s here", y.Value)
		return n
	}
	if tag, ok := p.tag(y); ok {
		p.report(n.Position, "tag", "YAML tags are not supported; remove %s", tag)
		return n
	}
	switch y.Kind {
	case yaml.ScalarNode:
		p.scalar(n, y)
	case yaml.SequenceNode:
		n.Kind = List
		for _, item := range y.Content {
			n.Items = append(n.Items, p.node(item, depth+1))
		}
	case yaml.MappingNode:
		n.Kind = Map
		p.mapping(n, y, depth)
	}
	return n
}

// tag gives the tag in front of a value. The library does not tell of a bare `!`, so the text is asked too.
func (p *parser) tag(y *yaml.Node) (string, bool) {
	if y.Style&yaml.TaggedStyle != 0 {
		return y.Tag, true
	}
	if y.Line < 1 || y.Line > len(p.lines) || y.Column < 1 || y.Column > len(p.lines[y.Line-1]) {
		return "", false
	}
	return "!", p.lines[y.Line-1][y.Column-1] == '!'
}

func (p *parser) scalar(n *Node, y *yaml.Node) {
	n.Text, n.Kind = y.Value, scalarKind(y)
	n.starts, n.places = align(p.lines, n, style(y.Style))
}

func scalarKind(y *yaml.Node) Kind {
	switch y.ShortTag() {
	case "!!null":
		return Null
	case "!!bool":
		return Bool
	case "!!int":
		return Int
	case "!!float":
		return Float
	}
	return Text // also timestamps: they are text here
}

func (p *parser) mapping(n *Node, y *yaml.Node, depth int) {
	seen := map[string]Position{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := p.node(y.Content[i], depth+1)
		if key.Kind == Broken {
			continue
		}
		if key.Kind == List || key.Kind == Map {
			p.report(key.Position, "key", "a key must be text")
			continue
		}
		if y.Content[i].Tag == "!!merge" {
			p.report(key.Position, "anchor", "merge keys are not supported; write the keys here")
			continue
		}
		if first, ok := seen[key.Text]; ok {
			p.report(key.Position, "duplicate-key", "key %q is given twice; the first is in line %d", key.Text, first.Line)
			continue
		}
		seen[key.Text] = key.Position
		cut := y.Style&yaml.FlowStyle != 0 && i+3 < len(y.Content) && cutAtComma(y.Content[i+1], y.Content[i+2], y.Content[i+3])
		value := p.node(y.Content[i+1], depth+1)
		if cut {
			p.report(value.Position, "quote", "this value ends at the comma: inside {…} an expression with commas must be quoted; quote it")
			value.Kind = Broken
			i += 2 // the rest of the expression is no key
		}
		n.Entries = append(n.Entries, Entry{Key: key, Value: value})
	}
}

// cutAtComma sees an expression that YAML took apart: `{if: f(a, b)}` is the value "f(a" and a key "b)" with nothing.
func cutAtComma(value, nextKey, nextValue *yaml.Node) bool {
	plain := value.Kind == yaml.ScalarNode && value.Style == 0
	return plain && open(value.Value) > 0 && nextKey.Kind == yaml.ScalarNode && nextValue.ShortTag() == "!!null" &&
		nextValue.Value == "" && open(nextKey.Value) < 0
}

func open(text string) int { return strings.Count(text, "(") - strings.Count(text, ")") }
