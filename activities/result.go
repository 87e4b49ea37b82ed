package activities

// Status is what became of a call that did not fail.
type Status string

// A call that did not fail either did its work or says why there was none.
const (
	Done    Status = "done"
	Skipped Status = "skipped"
)

// MaxOutput is the most that the output of one activity may be, in bytes of JSON: it travels in a history, and a run whose
// outputs are larger could not be handed on. What is larger belongs into the evidence, and the output names it.
const MaxOutput = 64 << 10

// Difference is one change that a dry run would have made.
type Difference struct {
	Object string `json:"object" doc:"What would be changed, such as node/ip-10-0-1-23"`
	Field  string `json:"field" doc:"Which part of it"`
	From   string `json:"from,omitempty" doc:"The value now"`
	To     string `json:"to,omitempty" doc:"The value after"`
}

// Result is embedded in every output: what was honestly done, in a sentence for the timeline.
type Result struct {
	Status  Status       `json:"status" doc:"done, or skipped when there was nothing to do"`
	Summary string       `json:"summary" doc:"One sentence for the timeline"`
	Would   []Difference `json:"would,omitempty" doc:"In a dry run: what would be changed"`
}
