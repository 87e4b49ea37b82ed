package plan

import (
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// Step is one step. Exactly one verb is set; While stands beside the Uses that it repeats.
type Step struct {
	ID    string   `json:"id"`
	Path  string   `json:"path"` // ids from the top, joined by "/", without iterations
	Phase string   `json:"phase"`
	Pos   Position `json:"pos"`

	If *Expr `json:"if,omitempty"` // false makes the step skipped

	Uses     *Uses     `json:"uses,omitempty"`
	Parallel []Step    `json:"parallel,omitempty"`
	Foreach  *Foreach  `json:"foreach,omitempty"`
	Branch   *Branch   `json:"branch,omitempty"`
	Switch   *Switch   `json:"switch,omitempty"`
	While    *While    `json:"while,omitempty"`
	Wait     *Wait     `json:"wait,omitempty"`
	Approve  *Approve  `json:"approve,omitempty"`
	Call     *Call     `json:"call,omitempty"`
	Set      []Entry   `json:"set,omitempty"`
	Rollback *Rollback `json:"rollback,omitempty"`
	Stop     *Stop     `json:"stop,omitempty"`

	// Output is the type of the step's output where no activity gives it, in the form of Notation: of set, call, approve,
	// wait and rollback.
	Output string `json:"output,omitempty"`

	OnError  OnError   `json:"onError"`
	Catch    []Catch   `json:"catch,omitempty"` // the first that matches takes the failure instead of OnError
	Requires *Requires `json:"requires,omitempty"`
}

// Uses runs one activity.
type Uses struct {
	Activity  string            `json:"activity"`
	With      Value             `json:"with"`
	Effect    activities.Effect `json:"effect"`
	Place     activities.Place  `json:"place"`
	Undoable  bool              `json:"undoable,omitempty"`
	Targets   []TargetField     `json:"targets,omitempty"`   // which fields of With name what a change acts on, for the guards
	Timeout   time.Duration     `json:"timeout"`             // of one attempt; never zero
	Heartbeat time.Duration     `json:"heartbeat,omitempty"` // zero: none
	Retry     Retry             `json:"retry"`
	// Key is the idempotency key instead of the case and the step's path: text, evaluated before the first attempt.
	Key *Value `json:"key,omitempty"`
	// Undo is what takes the change back instead of the activity's own undo.
	Undo *Undo `json:"undo,omitempty"`
}

// TargetField is a field of an activity's input that names what it acts on.
type TargetField struct {
	Field string `json:"field"`
	Kind  string `json:"kind"` // as the activity declares it, such as Pod or Node
}

// Undo says how a change is taken back. The zero value means: not at all.
type Undo struct {
	Activity string            `json:"activity,omitempty"` // run as it is, not as an undo
	Effect   activities.Effect `json:"effect,omitempty"`
	Place    activities.Place  `json:"place,omitempty"`
	With     Value             `json:"with,omitzero"`     // evaluated when the change is registered, before its activity starts
	Targets  []TargetField     `json:"targets,omitempty"` // which fields of With name what it changes, for the guards
	Timeout  time.Duration     `json:"timeout,omitempty"`
}

// Kinds of failure that are retried where `never` does not name them.
const (
	Temporary = "Temporary" // an error that may mend itself
	Throttled = "Throttled" // a service that refused to be asked so often
	Timeout   = "Timeout"   // no answer in time, or the worker was lost
)

// Retry is the retry policy of an activity. Attempts is never zero: nothing is retried for ever.
type Retry struct {
	Attempts int           `json:"attempts"`
	Initial  time.Duration `json:"initial"`
	Backoff  float64       `json:"backoff"`
	Max      time.Duration `json:"max"`
	Never    []string      `json:"never,omitempty"`  // kinds of failure that are final here, besides those that always are
	Jitter   float64       `json:"jitter,omitempty"` // share by which a wait is made shorter or longer, 0 to 1
	When     *Expr         `json:"when,omitempty"`   // a condition on `error`; false makes a failure final
}

// How many items a foreach may have. The record of a case holds each of its steps, and with more of them it would be too
// large to be asked for, reported and handed on.
const (
	UsualItems = 500  // where the playbook sets no limit
	MostItems  = 2000 // whatever the playbook says
)

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

// Switch runs the first case whose condition holds, or Default.
type Switch struct {
	Cases   []Case `json:"cases"`
	Default []Step `json:"default,omitempty"`
}

// Case is one case of a switch.
type Case struct {
	When Expr   `json:"when"`
	Do   []Step `json:"do"`
}

// While runs the step's activity until a condition on its `output` holds, at most Max times. One that never holds fails
// the step with the kind NotReached.
type While struct {
	Until Expr          `json:"until"`
	Max   int           `json:"max"`
	Every time.Duration `json:"every"` // between the end of one round and the begin of the next
}

// Wait waits for a time, or until a condition holds that signals and further alerts can make true. Its output is
// {met: boolean, seconds: integer}.
type Wait struct {
	For       time.Duration `json:"for,omitempty"`       // without Until: the whole wait; with it: the longest
	Until     *Expr         `json:"until,omitempty"`     // sees `signals` too
	OnTimeout string        `json:"onTimeout,omitempty"` // continue or fail, where Until did not hold in time; empty: continue
}

// Approve asks people.
type Approve struct {
	Title     Value         `json:"title"`
	From      string        `json:"from"` // name of an Approver
	Choices   []string      `json:"choices"`
	Show      []Expr        `json:"show,omitempty"`      // what the people see before they decide; its hash is part of the output
	Timeout   time.Duration `json:"timeout,omitempty"`   // zero: waits for ever
	Remind    time.Duration `json:"remind,omitempty"`    // zero: never
	Escalate  []Escalation  `json:"escalate,omitempty"`  // by time
	OnTimeout string        `json:"onTimeout,omitempty"` // one of the choices, hold or fail
	SkipWhen  *Expr         `json:"skipWhen,omitempty"`  // true: nobody is asked, and the first choice is taken
	OnDrill   string        `json:"onDrill,omitempty"`   // the choice that a drill takes; empty: the first
}

// Escalation asks a further circle when nobody has decided for a while.
type Escalation struct {
	After time.Duration `json:"after"`
	To    string        `json:"to"`
}

// Call runs another playbook as a part of this run: its steps stand below this one's path, its changes on this run's undo
// stack, its `finally` runs with this run's. Its output is the playbook's outputs.
type Call struct {
	Playbook string  `json:"playbook"`
	Version  string  `json:"version"` // the very version that was resolved
	Hash     string  `json:"hash"`    // of one of Plan.Playbooks
	Inputs   []Entry `json:"inputs,omitempty"`
}

// Rollback takes back what the run changed, from the last change to the first. Its output is {undone, failed: integer}.
type Rollback struct {
	Reason Value `json:"reason"`
}

// Stop ends the run here with an outcome; `finally` runs.
type Stop struct {
	Outcome string `json:"outcome"`
	Reason  *Value `json:"reason,omitempty"`
}

// Catch runs steps where its step has failed; the run then goes on behind the step.
type Catch struct {
	When *Expr  `json:"when,omitempty"` // a condition on `error`: kind, message, step; absent: every failure
	Do   []Step `json:"do"`
}

// Requires names the evidence without which a destroying step is not run.
type Requires struct {
	Evidence []string `json:"evidence,omitempty"` // paths of steps, without iterations
	Waive    []Waiver `json:"waive,omitempty"`
}

// Waiver says why the evidence of a step may be missing.
type Waiver struct {
	Step   string `json:"step"` // path of the step
	Reason string `json:"reason"`
}
