package plan

import (
	"fmt"
	"reflect"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// Failure is the variable `error` of `catch` and `retry.when`.
type Failure struct {
	Kind    string `json:"kind" doc:"Such as Forbidden, NotFound, Throttled or Timeout"`
	Message string `json:"message" doc:"What the step says of it"`
	Step    string `json:"step" doc:"Path of the step that failed"`
}

// Signal is one item of the variable `signals` of a `wait`: what somebody told the running case.
type Signal struct {
	Name string         `json:"name" doc:"What it is called"`
	By   string         `json:"by" doc:"Who sent it, as far as that is known"`
	Time time.Time      `json:"time" doc:"When the case took it, in the workflow's time"`
	Data map[string]any `json:"data,omitempty" doc:"What came with it"`
}

// GuardTarget is the variable `target` of `guards.protect.when`.
type GuardTarget struct {
	Kind      string            `json:"kind" doc:"Pod or Node"`
	Namespace string            `json:"namespace" doc:"Namespace of a pod"`
	Name      string            `json:"name" doc:"Name of the object"`
	Labels    map[string]string `json:"labels" doc:"Labels of the object as they were at the check"`
}

// Difference is one change that is still ahead, as a dry run of its step tells it.
type Difference struct {
	Step     string `json:"step" doc:"Path of the step"`
	Activity string `json:"activity" doc:"Name of the activity"`
	Target   string `json:"target" doc:"What it acts on"`
	Summary  string `json:"summary" doc:"What it would do; or why nobody can tell"`
}

// Ahead is the variable `plan` of what an approval shows.
type Ahead struct {
	Diff []Difference `json:"diff" doc:"The changes from here to the next approval, by a dry run"`
}

// Names of the variables that only some places have.
const (
	ErrorVar   = "error"
	SignalsVar = "signals"
	TargetVar  = "target"
	EventVar   = "event"
	PlanVar    = "plan"
	OutputVar  = "output" // of a while: what its activity gave in this round
)

// SpecialNames are the names that no foreach may give its items, besides alert, inputs, steps and run.
func SpecialNames() []string {
	return []string{ErrorVar, SignalsVar, TargetVar, EventVar, PlanVar, OutputVar}
}

// SpecialType gives the type of a variable that only some places have. The type of OutputVar is its activity's.
func SpecialType(name string) (activities.Type, error) {
	switch name {
	case ErrorVar:
		return activities.TypeOf(reflect.TypeFor[Failure]())
	case SignalsVar:
		return activities.TypeOf(reflect.TypeFor[[]Signal]())
	case TargetVar:
		return activities.TypeOf(reflect.TypeFor[GuardTarget]())
	case PlanVar:
		return activities.TypeOf(reflect.TypeFor[Ahead]())
	case EventVar, OutputVar:
		return activities.Type{Kind: activities.Any}, nil
	}
	return activities.Type{}, fmt.Errorf("there is no variable %q", name)
}
