package activities

import "time"

// Record is what the interpreter knows of a run so far: the source of reports and timelines.
type Record struct {
	Case       string       `json:"case" doc:"The case's id"`
	Playbook   string       `json:"playbook" doc:"The playbook's name"`
	Version    string       `json:"version" doc:"The playbook's version"`
	Title      string       `json:"title" doc:"The playbook's title"`
	PlanHash   string       `json:"planHash" doc:"SHA-256 of the compiled plan"`
	Cluster    string       `json:"cluster" doc:"The cluster that the run acts on"`
	Workflow   string       `json:"workflow" doc:"Temporal workflow id"`
	Run        string       `json:"run" doc:"Temporal run id"`
	DryRun     bool         `json:"dryRun" doc:"True when nothing is changed"`
	Mode       string       `json:"mode,omitempty" doc:"live or drill"`
	Reopens    string       `json:"reopens,omitempty" doc:"The case of the same key that ended shortly before"`
	Outcome    string       `json:"outcome" doc:"contained, partly contained, completed, rehearsed, rolled back, partly rolled back, failed, canceled, aborted, or a word of the playbook's own; empty while it is open"`
	Alerts     int          `json:"alerts" doc:"How many alerts the case counts"`
	Started    time.Time    `json:"started" doc:"When the run started"`
	Ended      time.Time    `json:"ended,omitzero" doc:"When it ended"`
	Decided    []Decided    `json:"decided,omitempty" doc:"What was decided, in order: by people, and in their place where the playbook says so"`
	Guards     []GuardCheck `json:"guards,omitempty" doc:"What the guards checked, with their numbers"`
	Objectives []Objective  `json:"objectives,omitempty" doc:"How each phase did against the time that the playbook gives it"`
	Held       float64      `json:"held,omitempty" doc:"Seconds that the case waited for people on held steps"`
	Standing   []Standing   `json:"standing,omitempty" doc:"Changes that a rollback could not take back"`
	Alert      any          `json:"alert" doc:"The alert that opened the case"`
	Further    []Further    `json:"further,omitempty" doc:"The first 20 alerts that joined the case after that one; alerts counts all of them"`
	Steps      []StepRecord `json:"steps" doc:"Every step so far, in the order of their starts"`
}

// Decided is one decision about the run: of a person, or in the place of people who were not asked or did not answer.
type Decided struct {
	Step   string    `json:"step,omitempty" doc:"Path of the step; empty where it is about the whole case"`
	Choice string    `json:"choice" doc:"What was decided: a choice of an approval, or retry, skip, abort, rollback"`
	By     string    `json:"by" doc:"Who decided; empty where nobody did"`
	Why    string    `json:"why,omitempty" doc:"The comment or reason"`
	At     time.Time `json:"at" doc:"When the run took it"`
	Nonce  string    `json:"nonce,omitempty" doc:"Identity of the signed decision"`

	About     string `json:"about,omitempty" doc:"What was asked, or why the step was held"`
	Automatic bool   `json:"automatic,omitempty" doc:"Whether the playbook decided: nobody was asked, or nobody answered in time"`
}

// Standing is a change that a rollback could not take back.
type Standing struct {
	Step     string `json:"step" doc:"Path of the step that made it; the second change of one step is isolate#2"`
	Activity string `json:"activity" doc:"The activity"`
	Summary  string `json:"summary" doc:"What was done"`
	Why      string `json:"why" doc:"Why it could not be taken back"`
}

// Further is an alert that joined a case that was open already. Its texts are cut.
type Further struct {
	ID       string    `json:"id,omitempty" doc:"Identity of the delivery, where the source gives one"`
	Source   string    `json:"source,omitempty" doc:"Where it came from"`
	Rule     string    `json:"rule" doc:"Name of the rule that fired"`
	Priority string    `json:"priority,omitempty" doc:"How bad the source says it is"`
	Target   string    `json:"target,omitempty" doc:"What it is about: namespace/pod, or the node"`
	Summary  string    `json:"summary,omitempty" doc:"The source's own sentence"`
	Seen     time.Time `json:"seen,omitzero" doc:"When it was seen on the node"`
	At       time.Time `json:"at" doc:"When the run took it"`
}

// StepStatus is where a step is.
type StepStatus string

// The states of a step.
const (
	StepRunning StepStatus = "running"
	StepDone    StepStatus = "done"
	StepSkipped StepStatus = "skipped" // its condition was false, or the activity found nothing to do, or a person skipped it
	StepHeld    StepStatus = "held"    // failed, and a person decides
	StepFailed  StepStatus = "failed"
)

// StepRecord is one step, or one iteration of it.
type StepRecord struct {
	Path     string     `json:"path" doc:"Path of the step with iterations, such as isolate[0]/deny"`
	Phase    string     `json:"phase" doc:"Phase of the response"`
	Activity string     `json:"activity,omitempty" doc:"The activity, where the step is one"`
	Status   StepStatus `json:"status" doc:"running, done, skipped, held or failed"`
	Summary  string     `json:"summary,omitempty" doc:"What was done, in one sentence"`
	Error    string     `json:"error,omitempty" doc:"Why it failed"`
	Attempts int        `json:"attempts,omitempty" doc:"Attempts of the last round"`
	Started  time.Time  `json:"started" doc:"When it started"`
	Ended    time.Time  `json:"ended,omitzero" doc:"When it ended"`
	Output   any        `json:"output,omitempty" doc:"Its output"`
}
