package syntax

import "fmt"

// Kind says what a node is.
type Kind string

// The kinds of node. A scalar keeps its text whatever it looks like: 1.10 stays "1.10".
const (
	Null   Kind = "nothing"
	Bool   Kind = "a boolean"
	Int    Kind = "a whole number"
	Float  Kind = "a number"
	Text   Kind = "text"
	List   Kind = "a list"
	Map    Kind = "a map"
	Broken Kind = "something unreadable" // already reported; readers pass over it in silence
)

// Node is one value of the file with its place.
type Node struct {
	Position
	Kind    Kind
	Text    string  // of scalars: the text as written, without quotes
	Items   []*Node // of a list
	Entries []Entry // of a map, in the order of the file, without duplicates

	places []Position // of each rune of Text that does not simply follow the one before it
	starts []int      // index in Text of each of places
}

// Entry is one key of a map with its value.
type Entry struct {
	Key   *Node
	Value *Node
}

// Get gives the value under that key, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, e := range n.Entries {
		if e.Key.Text == key {
			return e.Value
		}
	}
	return nil
}

// Problem makes a problem at the node's place.
func (n *Node) Problem(rule, format string, args ...any) Problem {
	return n.Position.Problem(rule, format, args...)
}

// At gives the place in the file of the rune at that index of Text, through quotes, escapes and folded lines.
func (n *Node) At(index int) Position {
	at := n.Position
	from := 0
	for i, start := range n.starts {
		if start > index {
			break
		}
		at, from = n.places[i], start
	}
	at.Column += index - from
	return at
}

// Problem makes a problem at this place.
func (p Position) Problem(rule, format string, args ...any) Problem {
	return Problem{Position: p, Rule: rule, Message: fmt.Sprintf(format, args...)}
}
