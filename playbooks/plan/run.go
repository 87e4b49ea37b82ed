package plan

import (
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// Run is what a playbook may know of its own run: the variable `run` of expressions.
type Run struct {
	Case     string            `json:"case" doc:"The case's id"`
	Cluster  string            `json:"cluster" doc:"The cluster that the run acts on"`
	Playbook string            `json:"playbook" doc:"The playbook's name"`
	Version  string            `json:"version" doc:"The playbook's version"`
	PlanHash string            `json:"planHash" doc:"SHA-256 of the compiled plan"`
	Workflow string            `json:"workflow" doc:"Temporal workflow id"`
	DryRun   bool              `json:"dryRun" doc:"True when nothing is changed"`
	Mode     Mode              `json:"mode" doc:"live or drill"`
	Reopens  string            `json:"reopens" doc:"The case of the same key that ended shortly before; empty when there is none"`
	Now      time.Time         `json:"now" doc:"The workflow's time, the same in every replay"`
	Outcome  string            `json:"outcome" doc:"How the run ended, in finally and outputs; empty before"`
	Alerts   int               `json:"alerts" doc:"How many alerts the case counts so far"`
	Record   activities.Record `json:"record" doc:"Every step so far, for reports"`
}
