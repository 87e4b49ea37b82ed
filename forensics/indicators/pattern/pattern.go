// Package pattern finds patterns of bytes: texts, hexadecimal strings with wildcards, and simple regular expressions. It
// works on bytes alone and knows no character set. A pattern's time grows with the bytes and never explodes.
package pattern

import (
	"errors"
	"fmt"
)

// Limits of one pattern.
const (
	// MaxMatch is how many bytes a match has at most, as in YARA 4.
	MaxMatch = 4096
	maxNodes = 1 << 14 // after repeats were written out
	maxDepth = 64      // of brackets
)

// Kind says what a Node matches.
type Kind int

// The kinds of nodes.
const (
	Empty     Kind = iota // nothing, everywhere
	OneOf                 // one byte of Set
	Concat                // Subs, one after the other
	Alternate             // the first of Subs that matches
	Repeat                // Subs[0], Min to Max times; Max below zero is no bound
	FileStart             // nothing, at the file's first byte
	FileEnd               // nothing, behind the file's last byte
	Boundary              // nothing, between a word's byte and another
	Inside                // nothing, where Boundary does not match
)

// Node is a part of a pattern. It is not changed once made.
type Node struct {
	Kind     Kind
	Set      Set
	Subs     []*Node
	Min, Max int
	Lazy     bool
}

// SyntaxError is a mistake in a pattern's text.
type SyntaxError struct {
	At  int // bytes from the start of the text
	Why string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("at byte %d: %s", e.At, e.Why) }

var errTooLarge = errors.New("the pattern is too large when its repeats are written out")

// Text is a pattern of exactly these bytes.
func Text(b []byte) *Node {
	out := &Node{Kind: Concat}
	for _, c := range b {
		out.Subs = append(out.Subs, &Node{Kind: OneOf, Set: Of(c)})
	}
	return out
}

// Wide puts a zero byte behind every byte, as UTF-16 has it for the letters of ASCII.
func (n *Node) Wide() *Node {
	if n.Kind == OneOf {
		return &Node{Kind: Concat, Subs: []*Node{n, {Kind: OneOf, Set: Of(0)}}}
	}
	return n.each((*Node).Wide)
}

// Folded makes each letter of ASCII match in both cases. A set that was negated must have been folded before.
func (n *Node) Folded() *Node {
	if n.Kind == OneOf {
		return &Node{Kind: OneOf, Set: n.Set.Folded()}
	}
	return n.each((*Node).Folded)
}

func (n *Node) each(do func(*Node) *Node) *Node {
	out := *n
	out.Subs = make([]*Node, len(n.Subs))
	for i, sub := range n.Subs {
		out.Subs[i] = do(sub)
	}
	return &out
}

// Has tells whether a node of one of the kinds is in the pattern.
func (n *Node) Has(kinds ...Kind) bool {
	for _, k := range kinds {
		if n.Kind == k {
			return true
		}
	}
	for _, sub := range n.Subs {
		if sub.Has(kinds...) {
			return true
		}
	}
	return false
}

// Width gives how many bytes the pattern matches at least and at most; most is MaxMatch where there is no bound.
func (n *Node) Width() (least, most int) {
	switch n.Kind {
	case OneOf:
		return 1, 1
	case Concat:
		for _, sub := range n.Subs {
			l, m := sub.Width()
			least, most = least+l, most+m
		}
	case Alternate:
		least = MaxMatch
		for _, sub := range n.Subs {
			l, m := sub.Width()
			least, most = min(least, l), max(most, m)
		}
	case Repeat:
		l, m := n.Subs[0].Width()
		least, most = l*n.Min, m*n.Max
		if n.Max < 0 && m > 0 {
			most = MaxMatch
		}
	}
	return clamp(least), clamp(most)
}

func clamp(n int) int { return max(0, min(n, MaxMatch)) }
