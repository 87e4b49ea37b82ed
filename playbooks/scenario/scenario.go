// Package scenario reads the tests of a playbook: an alert, what the activities answer, what people decide, and what is
// expected. It runs nothing.
package scenario

import (
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// File is one X.test.yaml.
type File struct {
	Name  string
	Tests []Test
}

// Test is one run of the playbook in virtual time.
type Test struct {
	Name      string
	Alert     map[string]any // fields of the alert; AlertFile where it stands in a file
	AlertFile string         // relative to the test's file
	Inputs    map[string]any
	Mode      plan.Mode
	DryRun    bool
	Mocks     []Mock
	Answers   []Answer
	Signals   []Signal
	Alerts    []Later // further alerts of the same case
	Expect    Expect
	Pos       syntax.Position
}

// Mock is what an activity answers: at one step, or wherever it is used. Where several fit, the first counts.
type Mock struct {
	Activity string
	Step     string // path of the step; [*] stands for any item
	Output   map[string]any
	Fails    *Failure
	Takes    time.Duration // virtual
	Pos      syntax.Position
}

// Failure is a failure that an activity gives.
type Failure struct {
	Kind    string
	Message string
	Times   int // how many attempts fail; zero: all
}

// Answer is what a person says: a choice of an approval, or a decision about a held step.
type Answer struct {
	Step    string
	Choice  string // of an approval
	Action  string // of a held step: retry, skip, abort or rollback
	By      string
	Groups  []string
	Comment string
	Set     map[string]any
	After   time.Duration // since the start
	Refused bool          // the run must not take it
	Pos     syntax.Position
}

// Signal is what somebody tells the run.
type Signal struct {
	Name  string
	By    string
	Data  map[string]any
	After time.Duration
}

// Later is a further alert.
type Later struct {
	Alert map[string]any
	After time.Duration
}

// Expect is what must hold when the run has ended, or when it waits for a person that no answer comes from.
type Expect struct {
	Outcome   string
	Held      []string          // the steps that wait at the end
	Steps     map[string]string // path -> status
	Calls     []string          // activities or paths of steps that must have run
	NotCalled []string
	Order     []string // each begins after the one before has ended
	Outputs   map[string]any
	Within    time.Duration // virtual time, at most
	Undone    []string      // paths of steps whose change was taken back
	Pos       syntax.Position
}
