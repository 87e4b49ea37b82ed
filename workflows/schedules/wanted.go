package schedules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// Memo fields: who a schedule is stands on the schedule itself and is never changed, what was applied last on its action.
const (
	identityMemo = "firebreak"
	appliedMemo  = "applied"
)

// identity says which trigger a schedule is of.
type identity struct {
	Playbook string `json:"playbook,omitempty"` // empty: the sweep
	Trigger  string `json:"trigger,omitempty"`
	Cluster  string `json:"cluster"`

	last applied // read from the action
	key  string  // why the action must be encrypted anew; empty: it need not
}

// applied is what `apply` did last.
type applied struct {
	Fingerprint string    `json:"fingerprint"` // of everything that was applied
	Plan        string    `json:"plan,omitempty"`
	Version     string    `json:"version,omitempty"`
	Cron        string    `json:"cron"`
	Timezone    string    `json:"timezone,omitempty"`
	Mode        string    `json:"mode,omitempty"`
	By          string    `json:"by"`
	At          time.Time `json:"at"`
}

// Wanted is a schedule as the playbooks want it.
type Wanted struct {
	ID string

	identity identity
	trigger  plan.ScheduleTrigger
	workflow string
	input    any
	opens    any // what the run is opened with beside its plan
	mode     string
	planHash string
	version  string
	summary  string
	details  string
}

// ID is the id of a trigger's schedule on a cluster.
func ID(playbook, trigger, cluster string) string { return playbook + "-" + trigger + "@" + cluster }

// SweepID is the id of the cluster's sweep.
func SweepID(cluster string) string { return "sweep@" + cluster }

// Of gives the schedules that the plan of an input wants on its cluster. Their runs are opened with that input, as it would
// open a case by hand: its plan as it is now, until it is applied again; its inputs, which are checked; whose decisions count.
func Of(in workflows.Input) ([]Wanted, error) {
	var list []Wanted
	for _, t := range in.Plan.Triggers {
		if t.Schedule == nil {
			continue
		}
		if len(in.Plan.Name) > plan.MaxName {
			return nil, fmt.Errorf("schedule %q of playbook %q: the name is longer than %d bytes", t.ID, in.Plan.Name, plan.MaxName)
		}
		list = append(list, one(in, t))
	}
	return list, nil
}

func one(in workflows.Input, t plan.Trigger) Wanted {
	id := ID(in.Plan.Name, t.ID, in.Cluster)
	in.Trigger, in.By, in.Mode, in.Dates, in.Nodes = t.ID, "schedule "+id, t.Mode, true, true
	if in.Mode == "" {
		in.Mode = plan.Live
	}
	in.Alert = plan.Alert{Source: "schedule", Rule: "schedule " + t.ID}
	if t.Alert != nil {
		in.Alert = *t.Alert
	}
	in.Alert.Cluster = in.Cluster
	summary, details := cases.Describe(in)
	if in.Mode == plan.Drill {
		summary = workflows.Plain("Drill: "+summary, 190)
	}
	return Wanted{
		ID: id, trigger: *t.Schedule, workflow: workflows.CaseWorkflow, input: in,
		opens: []any{in.Alert, in.Inputs, in.Authority, in.Notify}, planHash: in.Plan.Hash, version: in.Plan.Version,
		identity: identity{Playbook: in.Plan.Name, Trigger: t.ID, Cluster: in.Cluster}, mode: string(in.Mode), summary: summary, details: details,
	}
}

// Sweep gives the schedule that looks for orphans on a cluster, and tells people of them where it is to notify.
func Sweep(cluster, cron, timezone string, notify bool) Wanted {
	var opens any
	if notify {
		opens = notify
	}
	return Wanted{
		ID: SweepID(cluster), workflow: workflows.SweepWorkflow, input: workflows.SweepInput{Cluster: cluster, Notify: notify}, opens: opens,
		trigger:  plan.ScheduleTrigger{Cron: cron, Timezone: timezone, Overlap: "skip", Catchup: 10 * time.Minute},
		identity: identity{Cluster: cluster}, mode: "sweep", summary: "Sweep of " + cluster,
	}
}

// fingerprint is the same for two schedules that would start the same run at the same times. The plan counts by its hash: how
// it is packed into the input may change with the program.
func (w Wanted) fingerprint() (string, error) {
	raw, err := json.Marshal([]any{w.ID, w.trigger, w.workflow, w.planHash, w.mode, w.opens})
	if err != nil {
		return "", fmt.Errorf("schedule %q: %w", w.ID, err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

func (w Wanted) spec() client.ScheduleSpec {
	return client.ScheduleSpec{
		CronExpressions: []string{w.trigger.Cron}, TimeZoneName: w.trigger.Timezone, Jitter: w.trigger.Jitter,
	}
}

// action is the start of a run. Temporal appends the time to its workflow id; CaseID takes it off again.
func (w Wanted) action(a applied) *client.ScheduleWorkflowAction {
	name := w.identity.Playbook
	if name == "" {
		name = "sweep"
	}
	attributes := []temporal.SearchAttributeUpdate{
		temporal.NewSearchAttributeKeyKeyword(workflows.ClusterAttribute).ValueSet(w.identity.Cluster),
	}
	if w.identity.Playbook != "" {
		attributes = append(attributes,
			temporal.NewSearchAttributeKeyKeyword(workflows.PlaybookAttribute).ValueSet(w.identity.Playbook))
	}
	if w.mode == string(plan.Drill) { // no other case has it: the guards count by it
		attributes = append(attributes, temporal.NewSearchAttributeKeyBool(workflows.DrillAttribute).ValueSet(true))
	}
	return &client.ScheduleWorkflowAction{
		ID: plan.WorkflowID(name, w.ID), Workflow: w.workflow, Args: []any{w.input}, TaskQueue: workflows.Queue,
		Memo:                  map[string]any{appliedMemo: a, "planHash": w.planHash, "playbook": w.identity.Playbook + " " + w.version, cases.SummaryMemo: w.summary},
		TypedSearchAttributes: temporal.NewSearchAttributes(attributes...),
		StaticSummary:         w.summary, StaticDetails: w.details,
	}
}

func (w Wanted) policy() (*client.SchedulePolicies, error) {
	overlap, known := map[string]enumspb.ScheduleOverlapPolicy{
		"": enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, "skip": enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		"buffer_one": enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE, "cancel_other": enumspb.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER,
		"allow_all": enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL,
	}[w.trigger.Overlap]
	if !known {
		return nil, fmt.Errorf("schedule %q: unknown overlap policy %q", w.ID, w.trigger.Overlap)
	}
	catchup := w.trigger.Catchup
	if catchup == 0 {
		catchup = 10 * time.Minute // the server's own standard is a year: last week's drills would all run at once
	}
	return &client.SchedulePolicies{Overlap: overlap, CatchupWindow: catchup}, nil
}
