package activities

import "time"

// GuardCheck is what the guards made of one step's new targets, with their numbers.
type GuardCheck struct {
	Step       string    `json:"step" doc:"Path of the step that asked to change something"`
	Targets    []string  `json:"targets,omitempty" doc:"What it asked to change, as far as this run had not changed it before, such as pod/shop/web-0"`
	Pods       string    `json:"pods,omitempty" doc:"How many pods the run changes with it, and of how many at most, such as 2 of 5"`
	Nodes      string    `json:"nodes,omitempty" doc:"How many nodes the run changes with it, and of how many at most"`
	Runs       string    `json:"runs,omitempty" doc:"How many runs changed something within the rate's time with this one, and of how many at most"`
	Lock       string    `json:"lock,omitempty" doc:"The lock that the case needs"`
	Tripped    []string  `json:"tripped,omitempty" doc:"The rules that stood against it; none where it was let through"`
	Why        string    `json:"why,omitempty" doc:"What each of them found, in sentences"`
	ApprovedBy string    `json:"approvedBy,omitempty" doc:"Who let it through all the same"`
	At         time.Time `json:"at" doc:"When it was checked"`
}

// The states of an objective.
const (
	ObjectiveOpen   = "open"   // the phase is not through, and its time is not over
	ObjectiveMet    = "met"    // through in time
	ObjectiveMissed = "missed" // too late, failed, or the run ended before it was through
	ObjectiveVoid   = "void"   // there was nothing to do in the phase
)

// Objective is how one phase did against the time that the playbook gives it.
type Objective struct {
	Phase  string  `json:"phase" doc:"The phase"`
	Within float64 `json:"within" doc:"Seconds after the alert in which the phase is to be through"`
	Took   float64 `json:"took" doc:"Seconds after the alert at which it was through; 0 before"`
	Met    bool    `json:"met" doc:"True when it was through in time"`
	Status string  `json:"status" doc:"open, met, missed or void"`
	Why    string  `json:"why,omitempty" doc:"Why it was missed or is void, where that is not the time"`
}
