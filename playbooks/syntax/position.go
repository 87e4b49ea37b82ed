// Package syntax reads a playbook's YAML into a tree with lines and columns. It knows YAML and knows no activity.
package syntax

import "fmt"

// Position is a place in a file; lines and columns count from 1.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Problem is one thing that is wrong with a file, for the person who wrote it.
type Problem struct {
	Position
	Message string `json:"message"` // one sentence: what is wrong, and what would be right
	Rule    string `json:"rule"`    // name of the rule, such as "unknown-activity"
}

// Error gives the problem as file:line:col: sentence [rule].
func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s [%s]", p.File, p.Line, p.Column, p.Message, p.Rule)
}
