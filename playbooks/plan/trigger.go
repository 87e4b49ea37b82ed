package plan

import "time"

// Mode is how a run acts.
type Mode string

// The modes of a run. A dry run is told apart by Input.DryRun: it changes nothing in any mode.
const (
	Live  Mode = "live"
	Drill Mode = "drill" // changes touch only targets labelled firebreak/drill=true; approvals are answered by policy
)

// Trigger says what starts the playbook. Exactly one source is set.
type Trigger struct {
	ID           string               `json:"id"`
	Falco        *FalcoTrigger        `json:"falco,omitempty"`
	Alertmanager *AlertmanagerTrigger `json:"alertmanager,omitempty"`
	CloudEvents  *CloudEventsTrigger  `json:"cloudevents,omitempty"`
	Schedule     *ScheduleTrigger     `json:"schedule,omitempty"`
	Mode         Mode                 `json:"mode,omitempty"`  // empty: live
	Alert        *Alert               `json:"alert,omitempty"` // of a schedule: the alert that opens its runs, read by the compiler
	Pos          Position             `json:"pos"`
}

// FalcoTrigger matches Falco alerts. Empty Rules match every rule; When is a CEL condition on the alert.
type FalcoTrigger struct {
	MinPriority string   `json:"minPriority,omitempty"`
	Rules       []string `json:"rules,omitempty"`
	When        *Expr    `json:"when,omitempty"`
}

// AlertmanagerTrigger matches alerts of Alertmanager that fire. All matchers must hold; none match every alert.
type AlertmanagerTrigger struct {
	Matchers []Matcher `json:"matchers,omitempty"`
	When     *Expr     `json:"when,omitempty"`
}

// Matcher compares one label, as Alertmanager's own routes do; a label that is absent is empty. Regular expressions are
// anchored at both ends.
type Matcher struct {
	Label string `json:"label"`
	Op    string `json:"op"` // =, !=, =~ or !~
	Value string `json:"value"`
}

// CloudEventsTrigger matches CloudEvents 1.0 and makes an alert of one. Empty Types and Source match every event.
type CloudEventsTrigger struct {
	Types  []string `json:"types,omitempty"`
	Source string   `json:"source,omitempty"`
	When   *Expr    `json:"when,omitempty"` // a condition on the alert that the mapping made
	// Map gives the alert's fields as expressions on `event`, such as rule, summary and target.namespace. A field that is
	// not mapped is empty; rule is the event's type.
	Map []Entry `json:"map,omitempty"`
}

// ScheduleTrigger starts the playbook by the clock, as a Temporal Schedule.
type ScheduleTrigger struct {
	Cron     string        `json:"cron"`
	Timezone string        `json:"timezone,omitempty"` // IANA name; empty: UTC
	Jitter   time.Duration `json:"jitter,omitempty"`
	Overlap  string        `json:"overlap"` // skip, buffer_one, cancel_other or allow_all
	Catchup  time.Duration `json:"catchup"` // how late a missed run is still started
}

// OnDuplicate says what becomes of an alert whose case runs already.
type OnDuplicate string

// The ways to take a further alert of a running case.
const (
	Join OnDuplicate = "join" // the alert becomes evidence of the running case
	Drop OnDuplicate = "drop" // it is answered as a duplicate, and counted by the receiver alone
	New  OnDuplicate = "new"  // it opens a case of its own
)

// Dedup says which alerts are one case.
type Dedup struct {
	Key         Expr        `json:"key"`
	OnDuplicate OnDuplicate `json:"onDuplicate,omitempty"` // empty: join
	// ReopenWithin is how long after its end a case is named by the next one of its key, as the case that it reopens.
	ReopenWithin time.Duration `json:"reopenWithin,omitempty"`
}
