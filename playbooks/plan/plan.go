// Package plan is the compiled playbook: plain data that survives JSON, and the evaluation of its expressions. It
// does no I/O, reads no clock and gives the same result every time.
package plan

import (
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// Plan is a whole playbook, checked and with every default filled in. It is the workflow's input, so a run never sees
// an edited playbook.
type Plan struct {
	Name     string            `json:"name"`
	Version  string            `json:"version"`
	Title    string            `json:"title,omitempty"`
	Owner    string            `json:"owner,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"` // never ranged over in a workflow
	Source   string            `json:"source"`           // the file it was compiled from
	Hash     string            `json:"hash"`             // SHA-256 over the plan's JSON with an empty Hash
	Catalog  string            `json:"catalog"`          // hash of the declarations of the activities in use
	Inputs   []Input           `json:"inputs,omitempty"`
	Triggers []Trigger         `json:"triggers,omitempty"`
	Dedup    Dedup             `json:"dedup"`
	Guards   *Guards           `json:"guards,omitempty"`
	// Approvers are the named circles of people that approvals and guards ask, in the order of the file.
	Approvers []Approver  `json:"approvers,omitempty"`
	SLO       []Objective `json:"slo,omitempty"` // in the order of the phases
	Steps     []Step      `json:"steps"`
	Finally   []Step      `json:"finally,omitempty"`
	Outputs   []Entry     `json:"outputs,omitempty"`
	Gives     string      `json:"gives,omitempty"` // the type of the outputs, in the form of Notation
	// Playbooks are the playbooks that `call` steps run, and those that they call, each compiled whole and found by its hash.
	Playbooks []Plan `json:"playbooks,omitempty"`
	// Types holds the output type of each activity in use, in the form of Notation. Never ranged over in a workflow.
	Types map[string]string `json:"types,omitempty"`
	// Declared holds the essence of each activity in use, which the worker that runs it compares with its own. Never ranged
	// over in a workflow.
	Declared map[string]string `json:"declared,omitempty"`
}

// Input is one declared input of the playbook.
type Input struct {
	Name     string          `json:"name"`
	Doc      string          `json:"doc,omitempty"`
	Type     activities.Type `json:"type"`
	Required bool            `json:"required,omitempty"`
	Default  any             `json:"default,omitempty"`
}

// OnError says what a failure that retries did not mend does to the run.
type OnError string

// The ways a run takes a failure.
const (
	Hold     OnError = "hold"     // keep everything contained and wait for a person
	Continue OnError = "continue" // record it and go on
	Fail     OnError = "fail"     // end the run as failed, after finally
	// RollBack undoes what the run changed, then ends it as failed. Only where a playbook asks for it: to undo an isolation
	// because a later step failed frees the intruder.
	RollBack OnError = "rollback"
)

// Objective is how long after the alert a phase is to be through.
type Objective struct {
	Phase  string        `json:"phase"`
	Within time.Duration `json:"within"`
}

// Phases gives the phases of the response, in order.
func Phases() []string {
	return []string{"identify", "coordinate", "contain", "preserve", "analyze", "resolve", "improve"}
}

// Position is a place in the playbook's text; lines and columns count from 1.
type Position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// Expr is a CEL expression and where it stands.
type Expr struct {
	Source string   `json:"source"`
	Pos    Position `json:"pos"`
}

// Value is a template for a value. Exactly one of its fields is set; the zero Value is null.
type Value struct {
	Literal any     `json:"literal,omitempty"` // string, bool, int64 or float64
	Expr    *Expr   `json:"expr,omitempty"`    // the whole value is one ${{ }}
	Text    []Part  `json:"text,omitempty"`    // text with holes; always a string
	List    []Value `json:"list,omitempty"`
	Map     []Entry `json:"map,omitempty"`
	Empty   string  `json:"empty,omitempty"` // "list" or "map": a container without entries
}

// Part is a piece of text with holes: either words or an expression.
type Part struct {
	Words string `json:"words,omitempty"`
	Expr  *Expr  `json:"expr,omitempty"`
	// Quote is the language of the string literal inside whose quotes the expression stands: what it gives is escaped.
	Quote string `json:"quote,omitempty"`
}

// Entry is one key of a map, in the order of the file.
type Entry struct {
	Key   string `json:"key"`
	Value Value  `json:"value"`
}
