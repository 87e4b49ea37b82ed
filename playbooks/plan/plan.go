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
	Steps    []Step            `json:"steps"`
	Finally  []Step            `json:"finally,omitempty"`
	Outputs  []Entry           `json:"outputs,omitempty"`
	// Types holds the output type of each activity in use, in the form of Notation. Never ranged over in a workflow.
	Types map[string]string `json:"types,omitempty"`
}

// Input is one declared input of the playbook.
type Input struct {
	Name     string          `json:"name"`
	Doc      string          `json:"doc,omitempty"`
	Type     activities.Type `json:"type"`
	Required bool            `json:"required,omitempty"`
	Default  any             `json:"default,omitempty"`
}

// Trigger says which alerts start the playbook. Exactly one source is set.
type Trigger struct {
	ID    string        `json:"id"`
	Falco *FalcoTrigger `json:"falco,omitempty"`
	Pos   Position      `json:"pos"`
}

// FalcoTrigger matches Falco alerts. Empty Rules match every rule; When is a CEL condition on the alert.
type FalcoTrigger struct {
	MinPriority string   `json:"minPriority,omitempty"`
	Rules       []string `json:"rules,omitempty"`
	When        *Expr    `json:"when,omitempty"`
}

// Dedup says which alerts are one case. Alerts with the same key join the running case.
type Dedup struct {
	Key Expr `json:"key"`
}

// Step is one step. Exactly one verb is set: Uses, Parallel, Foreach or Branch.
type Step struct {
	ID    string   `json:"id"`
	Path  string   `json:"path"` // ids from the top, joined by "/", without iterations
	Phase string   `json:"phase"`
	Pos   Position `json:"pos"`

	If *Expr `json:"if,omitempty"` // false makes the step skipped

	Uses     *Uses    `json:"uses,omitempty"`
	Parallel []Step   `json:"parallel,omitempty"`
	Foreach  *Foreach `json:"foreach,omitempty"`
	Branch   *Branch  `json:"branch,omitempty"`

	OnError OnError `json:"onError"`
}

// Uses runs one activity.
type Uses struct {
	Activity  string            `json:"activity"`
	With      Value             `json:"with"`
	Effect    activities.Effect `json:"effect"`
	Place     activities.Place  `json:"place"`
	Undoable  bool              `json:"undoable,omitempty"`
	Timeout   time.Duration     `json:"timeout"`             // of one attempt; never zero
	Heartbeat time.Duration     `json:"heartbeat,omitempty"` // zero: none
	Retry     Retry             `json:"retry"`
}

// Retry is the retry policy of an activity. Attempts is never zero: nothing is retried for ever.
type Retry struct {
	Attempts int           `json:"attempts"`
	Initial  time.Duration `json:"initial"`
	Backoff  float64       `json:"backoff"`
	Max      time.Duration `json:"max"`
	Never    []string      `json:"never,omitempty"` // kinds of permanent failure, besides those that are always final
}

// Foreach runs Do once for each item of In, at most Concurrency at a time; results stand by index in input order.
type Foreach struct {
	In          Expr    `json:"in"`
	As          string  `json:"as"`
	Item        string  `json:"item,omitempty"` // type of As, in the form of Notation
	Concurrency int     `json:"concurrency"`
	Max         int     `json:"max,omitempty"` // more items than this fail the step; zero: the engine's own limit
	OnError     OnError `json:"onError"`       // continue: a failed item does not stop the others
	Do          []Step  `json:"do"`
}

// Branch runs Then when the step's condition holds, Else when it does not. The condition is Cond, not Step.If.
type Branch struct {
	Cond Expr   `json:"cond"`
	Then []Step `json:"then"`
	Else []Step `json:"else,omitempty"`
}

// OnError says what a failure that retries did not mend does to the run.
type OnError string

// The ways a run takes a failure.
const (
	Hold     OnError = "hold"     // keep everything contained and wait for a person
	Continue OnError = "continue" // record it and go on
	Fail     OnError = "fail"     // end the run as failed, after finally
)

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
}

// Entry is one key of a map, in the order of the file.
type Entry struct {
	Key   string `json:"key"`
	Value Value  `json:"value"`
}
