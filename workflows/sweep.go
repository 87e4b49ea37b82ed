package workflows

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// SweepWorkflow looks for changes of Firebreak that belong to no open case.
const SweepWorkflow = "FirebreakSweep"

// FindIsolated is the activity that lists what Firebreak has changed in a cluster and not taken back.
const FindIsolated = "kube.find_isolated"

// Outcomes of a sweep, as the lists show them.
const (
	OutcomeSwept   = "nothing found"
	OutcomeOrphans = "orphans found"
)

// SweepInput says where to look.
type SweepInput struct {
	Cluster string `json:"cluster"`
	Notify  bool   `json:"notify,omitempty"` // people are told of what is found
}

// Isolated is one change that stands in the cluster.
type Isolated struct {
	Kind      string `json:"kind"` // of the object that carries the mark, such as Pod
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Mark      string `json:"mark"` // what was done to it, in a word
	Case      string `json:"case"` // whose change it is; empty where the mark does not say
}

// Orphan is a change that no open case accounts for.
type Orphan struct {
	Isolated

	Standing string `json:"standing"` // of its case: closed, or unknown
}

// SweepResult is what was found.
type SweepResult struct {
	Cluster string   `json:"cluster"`
	Found   int      `json:"found"` // changes that stand, those of open cases with them
	Orphans []Orphan `json:"orphans"`
	More    int      `json:"more,omitempty"` // changes that were not looked at, since there are too many
	// Told is when people were told of orphans last, by this run or by one of the schedule's before it.
	Told time.Time `json:"told,omitzero"`
}

// OpenCasesIn asks where cases stand.
type OpenCasesIn struct {
	Cases []string `json:"cases"`
}

// OpenCasesOut says open, closed or unknown, in the order of the question.
type OpenCasesOut struct {
	Standing []string `json:"standing"`
}

// Sweep finds isolations, policies and cordons of Firebreak whose case is not open. It reports and changes nothing: who
// lets an intruder free must be a person. It is registered as SweepWorkflow.
func (i *Interpreter) Sweep(ctx workflow.Context, in SweepInput) (SweepResult, error) {
	err := workflow.UpsertTypedSearchAttributes(ctx, keyword(ClusterAttribute, in.Cluster), keyword(OutcomeAttribute, string(Running)))
	if err != nil {
		return SweepResult{}, flat(KindTemporary, err.Error())
	}
	found, more, err := isolated(ctx, in.Cluster)
	if err != nil {
		return SweepResult{}, failed(err)
	}
	orphans, err := orphansOf(ctx, found)
	if err != nil {
		return SweepResult{}, failed(err)
	}
	outcome := OutcomeSwept
	if len(orphans) > 0 {
		outcome = OutcomeOrphans
	}
	result := SweepResult{Cluster: in.Cluster, Found: len(found) + more, Orphans: orphans, More: more}
	if in.Notify {
		result.Told = tellOrphans(ctx, result)
	}
	return result, workflow.UpsertTypedSearchAttributes(ctx, keyword(OutcomeAttribute, outcome))
}

func isolated(ctx workflow.Context, cluster string) (found []Isolated, more int, err error) {
	u := &plan.Uses{Place: activities.OnCluster, Timeout: 5 * time.Minute, Retry: plan.Retry{Attempts: 5}}
	var out struct {
		Found []Isolated `json:"found"`
		More  int        `json:"more"`
	}
	err = look(ctx, activityOptions(cluster, u, "find", "lists what Firebreak has changed on "+cluster), FindIsolated, map[string]any{}, &out)
	return out.Found, out.More, err
}

// orphansOf keeps what belongs to no open case.
func orphansOf(ctx workflow.Context, found []Isolated) ([]Orphan, error) {
	orphans := []Orphan{}
	var ids []string
	for _, f := range found {
		if f.Case != "" && !slices.Contains(ids, f.Case) {
			ids = append(ids, f.Case)
		}
	}
	options := activityOptions("", engine(), "cases", fmt.Sprintf("asks about %d cases", len(ids)))
	options.TaskQueue = Queue
	var out OpenCasesOut
	if err := look(ctx, options, OpenCases, OpenCasesIn{ids}, &out); err != nil {
		return nil, err
	}
	for _, f := range found {
		standing := "unknown"
		if i := slices.Index(ids, f.Case); i >= 0 && i < len(out.Standing) {
			standing = out.Standing[i]
		}
		if standing != "open" {
			orphans = append(orphans, Orphan{f, standing})
		}
	}
	return orphans, nil
}

// look runs an activity that only looks, outside of any case.
func look(ctx workflow.Context, o workflow.ActivityOptions, name string, in, out any) error {
	call := activities.Call{Step: o.ActivityID, Key: workflow.GetInfo(ctx).WorkflowExecution.RunID + "/" + o.ActivityID}
	var raw json.RawMessage
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), name, ActivityInput{Call: call, Input: encode(in)}).Get(ctx, &raw)
	if err == nil {
		err = json.Unmarshal(raw, out)
	}
	if err != nil {
		return failureOf(o.ActivityID, err)
	}
	return nil
}
