package cases

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// Started is a case that counts the alert for certain.
type Started struct {
	Case     string `json:"case"`
	Workflow string `json:"workflow"`
	Run      string `json:"run"`
	Playbook string `json:"playbook"`
	Joined   bool   `json:"joined"`            // the alert joined a case that was running already
	Dropped  bool   `json:"dropped,omitempty"` // it is not counted: a case runs already and the playbook drops further alerts, or the alert's own has ended
	Reopens  string `json:"reopens,omitempty"` // the case of the same key that ended shortly before
}

// Start opens a case, or joins the running one of that workflow id. When it returns without an error the alert stands
// in Temporal's store. Any error means that the same start may be given again. The alert that opens a case stands whole in
// its input; what is signalled is cut to a few kilobytes, since a storm of large alerts would end the run.
func (c *Cases) Start(ctx context.Context, workflowID string, in workflows.Input) (Started, error) {
	if len(in.Plan.Name) > plan.MaxName {
		return Started{}, fmt.Errorf("start a case of %q: the name is longer than %d bytes", in.Plan.Name, plan.MaxName)
	}
	select {
	case c.turns <- struct{}{}:
		defer func() { <-c.turns }()
	case <-ctx.Done():
		return Started{}, fmt.Errorf("start a case of %s: %w: too many starts at once", in.Plan.Name, ErrUnavailable)
	}
	ctx, done := context.WithTimeout(ctx, surge)
	defer done()
	before, err := c.before(ctx, workflowID, in.Plan.Dedup)
	if err != nil {
		return Started{}, err
	}
	if duplicate(before, in.Plan.Dedup.OnDuplicate) {
		return Started{Case: before.ID, Workflow: workflowID, Run: before.Run, Playbook: in.Plan.Name, Joined: true, Dropped: true}, nil
	}
	in.Reopens = reopened(before, in.Plan.Dedup.ReopenWithin, time.Now())
	fresh := false
	in.Dates, in.Nodes = true, true
	run, err := c.client.SignalWithStartWorkflow(context.WithValue(ctx, startKey{}, &fresh),
		workflowID, workflows.AlertSignal, in.Alert.Bounded(workflows.MaxAlert), options(workflowID, in), workflows.CaseWorkflow, in)
	if err != nil {
		return Started{}, explain("start a case of "+in.Plan.Name, err)
	}
	id := workflows.CaseID(workflowID, run.GetRunID())
	if !fresh { // the alert is counted, whatever this says: a later run of a chain must not look like another case
		if first, err := c.joined(ctx, workflowID, run.GetRunID()); err == nil {
			id = first
		}
	}
	if !fresh {
		in.Reopens = ""
	}
	return Started{
		Case: id, Workflow: workflowID, Run: run.GetRunID(), Playbook: in.Plan.Name, Joined: !fresh, Reopens: in.Reopens,
	}, nil
}

// duplicate tells whether an alert is counted nowhere: a case of its key runs and its playbook drops further ones; or each
// alert has a case of its own, and this one's has ended already.
func duplicate(before Case, d plan.OnDuplicate) bool {
	if before.ID == "" {
		return false
	}
	return d == plan.Drop && before.Open() || d == plan.New && !before.Open()
}

// before looks for the newest case of the key, where the playbook wants something of it. One that began meanwhile is not
// seen: of two alerts at the same moment the second joins.
func (c *Cases) before(ctx context.Context, workflowID string, d plan.Dedup) (Case, error) {
	if d.OnDuplicate != plan.Drop && d.OnDuplicate != plan.New && d.ReopenWithin == 0 {
		return Case{}, nil
	}
	info, err := c.info(ctx, workflowID, "")
	if missing(err) {
		return Case{}, nil
	}
	if err != nil {
		return Case{}, err
	}
	return caseOf(info), nil
}

// reopened gives the id of a case that ended so short a time ago that the next one of its key reopens it.
func reopened(before Case, within time.Duration, now time.Time) string {
	if before.ID == "" || before.Ended.IsZero() || within == 0 || now.Sub(before.Ended) > within {
		return ""
	}
	return before.ID
}

// SummaryMemo is the memo field that says in one line what a case is about: lists carry the memo, and not what the Web UI has.
const SummaryMemo = "summary"

func options(workflowID string, in workflows.Input) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: workflowID, TaskQueue: workflows.Queue,
		StaticSummary: summary(in.Alert), StaticDetails: details(in),
		Memo: map[string]any{"planHash": in.Plan.Hash, "playbook": in.Plan.Name + " " + in.Plan.Version, "source": in.Plan.Source, SummaryMemo: summary(in.Alert)},
	}
}

// Describe gives the line and the page by which the Web UI introduces a case.
func Describe(in workflows.Input) (line, page string) { return summary(in.Alert), details(in) }

// summary is the case in one line, such as "Critical: Terminal shell – shop/web-7d9f".
func summary(a plan.Alert) string {
	text := a.Rule
	if a.Priority != "" {
		text = a.Priority + ": " + text
	}
	if about := target(a.Target); about != "" {
		text += " – " + about
	}
	return workflows.Plain(text, 190)
}

func target(t plan.Target) string {
	switch {
	case t.Namespace != "" && t.Pod != "":
		return t.Namespace + "/" + t.Pod
	case t.Pod != "":
		return t.Pod
	}
	return t.Node
}

// details is the page that stays as it is: what came in, and what was chosen to answer it.
func details(in workflows.Input) string {
	var w strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&w, "| %s | %s |\n", name, workflows.Markdown(value))
		}
	}
	w.WriteString("| | |\n|---|---|\n")
	row("Playbook", in.Plan.Name+" "+in.Plan.Version)
	row("Title", in.Plan.Title)
	row("Plan", in.Plan.Hash)
	row("Cluster", in.Cluster)
	row("Trigger", in.Trigger)
	row("Mode", string(in.Mode))
	row("Alert", in.Alert.Rule)
	row("Priority", in.Alert.Priority)
	row("Target", target(in.Alert.Target))
	row("Node", in.Alert.Target.Node)
	row("Container", in.Alert.Target.Container)
	row("Image", in.Alert.Target.Image)
	row("What the source says", in.Alert.Summary)
	return w.String()
}

type startKey struct{}

// observeStart reads from Temporal's answer whether a start made a new run; the SDK does not hand that out.
func observeStart(ctx context.Context, method string, request, reply any, c *grpc.ClientConn, invoke grpc.UnaryInvoker, o ...grpc.CallOption) error {
	err := invoke(ctx, method, request, reply, c, o...)
	fresh, asked := ctx.Value(startKey{}).(*bool)
	answer, started := reply.(*workflowservice.SignalWithStartWorkflowExecutionResponse)
	if err == nil && asked && started {
		*fresh = answer.GetStarted()
	}
	return err
}
