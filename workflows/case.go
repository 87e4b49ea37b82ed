// Package workflows is the one interpreter: it runs a compiled plan as a durable Temporal workflow. It is
// deterministic: it reads no clock, no environment and no configuration, and does no I/O of its own.
package workflows

import (
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows/authority"
)

// Names in Temporal: they stand in histories and are never changed.
const (
	CaseWorkflow = "FirebreakCase"
	UndoWorkflow = "FirebreakUndo"

	AlertSignal   = "alert"   // plan.Alert: one more alert of this case; the one that opens it is signalled too
	StateQuery    = "state"   // Look -> StatePage
	WaitingQuery  = "waiting" // number of the first -> Waiting: what a person has to decide
	PlanQuery     = "plan"    // -> plan.Plan
	UndoQuery     = "undo"    // number of the first -> []Undoable, in the order they were done; none behind the last
	NoteSignal    = "signal"  // Note: what somebody tells the case; `wait` steps look at it
	ApproveUpdate = "approve" // authority.Decision -> nothing: an answer to what an `approve` step asks
	DecideUpdate  = "decide"  // Decision -> nothing: what to do with a held step, or that the case is to end

	Queue         = "firebreak"          // the interpreter
	AnalysisQueue = "firebreak-analysis" // heavy reading, no cluster's credentials
)

// ClusterQueue is the task queue of the workers that hold a cluster's credentials.
func ClusterQueue(cluster string) string { return "firebreak-" + cluster }

// UndoActivity is the Temporal name of an activity's undo.
func UndoActivity(name string) string { return name + ".undo" }

// Input is what starts a case. The opening alert is in it for its text, and comes as a signal to be counted.
type Input struct {
	Plan    plan.Plan      `json:"plan"`
	Alert   plan.Alert     `json:"alert"`
	Trigger string         `json:"trigger,omitempty"` // id of the trigger that matched; empty for `run`
	Inputs  map[string]any `json:"inputs,omitempty"`  // checked against the plan's inputs before the start
	Cluster string         `json:"cluster"`
	DryRun  bool           `json:"dryRun,omitempty"`
	Mode    plan.Mode      `json:"mode,omitempty"`    // empty: live
	By      string         `json:"by,omitempty"`      // who asked for the run; empty for an alert
	Reopens string         `json:"reopens,omitempty"` // the case of the same key that ended shortly before
	// Dates says that the lists are to show when the case first changes something. Runs that older receivers started do
	// without, so that their histories stay good.
	Dates bool `json:"dates,omitempty"`
	// Nodes says the same of the nodes that the case changes; that of its alert is always shown.
	Nodes bool `json:"nodes,omitempty"`
	// Authority says whose decisions count; nil: everybody is taken at their word, and marked as not authenticated.
	Authority *authority.Authority `json:"authority,omitempty"`
	Notify    bool                 `json:"notify,omitempty"` // people are told through notify.send
	Resume    []byte               `json:"resume,omitempty"` // what the run before this one of the same case left: a Carry, compressed
}

// Status is where a case is.
type Status string

// The states of a case.
const (
	Running   Status = "running"
	Held      Status = "held" // at least one step waits for a person; everything stays contained
	Completed Status = "completed"
	Failed    Status = "failed"
	Canceled  Status = "canceled"
)

// State is the live state of a case, as the query gives it.
type State struct {
	activities.Record

	Status    Status         `json:"status"`
	Phase     string         `json:"phase"`
	Holds     []HeldStep     `json:"holds,omitempty"`
	Aborted   *Decision      `json:"aborted,omitempty"`   // who ended the case, and why
	Joined    []plan.Alert   `json:"joined,omitempty"`    // the first alerts that came; Alerts counts all of them
	Questions []*Question    `json:"questions,omitempty"` // what the case asks people now
	Signals   []plan.Signal  `json:"signals,omitempty"`   // the last ones that came
	Unproven  int            `json:"unproven,omitempty"`  // signals that were not counted, since nobody proved who sent them
	Outputs   map[string]any `json:"outputs,omitempty"`
	// Missing are the playbook's outputs that the run could not give.
	Missing []MissingOutput `json:"missing,omitempty"`
	Cut     []string        `json:"cut,omitempty"` // what a query left out, since an answer has a limit
}

// MissingOutput is one of a playbook's outputs that a run could not give, such as that of a step which a person skipped.
type MissingOutput struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// Result is what a case gives when it completes. A case that fails gives an error; its State tells the rest.
type Result struct {
	Case    string         `json:"case"`
	Outcome string         `json:"outcome"`
	Alerts  int            `json:"alerts"`
	Outputs map[string]any `json:"outputs,omitempty"`
	// Missing are the playbook's outputs that the run could not give.
	Missing []MissingOutput `json:"missing,omitempty"`
	Cut     []string        `json:"cut,omitempty"` // what a query left out, since an answer has a limit
	// Objectives tell how each phase did against the time that the playbook gives it.
	Objectives []activities.Objective `json:"objectives,omitempty"`
}

// HeldStep is a step that failed and waits for a Decision.
type HeldStep struct {
	Path   string `json:"path"`
	Error  string `json:"error"`
	Kind   string `json:"kind"`   // type of the failure, such as Forbidden
	Advice string `json:"advice"` // one sentence that says what to do
}

// Action is what a person decides on a held step.
type Action string

// The decisions.
const (
	RetryStep    Action = "retry"
	SkipStep     Action = "skip"
	AbortCase    Action = "abort"    // nothing more is started, what runs is canceled; finally runs; containment stays
	RollbackCase Action = "rollback" // as abort; what the run changed is taken back before finally
)

// Decision answers a held step. An abort without a path ends the case wherever it is, held or not.
type Decision struct {
	Path   string `json:"path"`
	Action Action `json:"action"`
	Reason string `json:"reason,omitempty"` // needed to skip and to abort
	By     string `json:"by"`               // the authenticated subject
	// Signed proves who decides, where the case has an Authority: By, Path, Action and Reason must say the same.
	Signed *authority.Decision `json:"signed,omitempty"`
	// Set replaces fields of the step's input when it is retried, by their names.
	Set map[string]any `json:"set,omitempty"`
}

// Undoable is one change that can be undone: registered before its activity starts.
type Undoable struct {
	Activity string           `json:"activity"`
	Place    activities.Place `json:"place"`
	Call     activities.Call  `json:"call"`
	Input    any              `json:"input"`
	Output   any              `json:"output,omitempty"` // absent when the activity never reported back
	Summary  string           `json:"summary,omitempty"`
	Timeout  time.Duration    `json:"timeout,omitempty"` // of one attempt, as of the change itself
	// Instead is what takes the change back where the playbook says so; nil: the activity's own undo.
	Instead *Instead `json:"instead,omitempty"`
	Undone  string   `json:"undone,omitempty"` // what a rollback of the run made of it: done or failed; empty: it stands
}

// Instead is an activity that takes a change back in the place of its own undo. Its input was made before the change, and
// the guards saw then what it changes.
type Instead struct {
	Activity string           `json:"activity"`
	Place    activities.Place `json:"place"`
	Input    any              `json:"input"`
	Timeout  time.Duration    `json:"timeout,omitempty"`
	Targets  []Target         `json:"targets,omitempty"` // what it changes beside what the change itself was about
	Blind    bool             `json:"blind,omitempty"`   // it changes something and does not say what
}

// UndoInput is what starts the undo of a case: its changes, which are undone from last to first.
type UndoInput struct {
	Case    string     `json:"case"`
	Cluster string     `json:"cluster"`
	Drill   bool       `json:"drill,omitempty"` // the case is a drill: its fence holds for the undo too
	By      string     `json:"by,omitempty"`    // who asked for it
	Reason  string     `json:"reason,omitempty"`
	Changes []Undoable `json:"changes"` // the last ones, as many as fit into a start
	// Done is what the runs before this one of a long undo did.
	Done []activities.StepRecord `json:"done,omitempty"`
	// Earlier are the changes before them, by their numbers. The undo reads them from the case when it comes to them.
	Earlier  []Span `json:"earlier,omitempty"`
	First    int    `json:"first,omitempty"`    // number of the first of Changes
	Workflow string `json:"workflow,omitempty"` // of the case, where there are earlier ones
	Run      string `json:"run,omitempty"`
}

// Span is a part of a list.
type Span struct {
	From  int `json:"from"`
	Until int `json:"until"` // the first that does not belong to it
}

// UndoResult says what was undone; failures are collected and never stop the rest.
type UndoResult struct {
	Steps []activities.StepRecord `json:"steps"`
}
