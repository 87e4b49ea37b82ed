package cases_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// TestTheWebUIHasWhatAnAuditorReads asks the server, as the Web UI does, for all that a case says of itself there.
func TestTheWebUIHasWhatAnAuditorReads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.works()
	cordon := mark("cordon")
	cordon.Uses.Targets = []plan.TargetField{{Field: "name", Kind: "Node"}}
	in := input(w.cluster, cordon, plan.Step{ID: "pause", Path: "pause", Phase: "contain", OnError: plan.Hold, Wait: &plan.Wait{For: time.Second}})
	in.Alert.Target.Node = "ip-10-0-1-23.ec2.internal"
	of := w.open(t, "audit", in)
	w.until(of, "through", closed)

	info, err := w.Client().WorkflowService().DescribeWorkflowExecution(t.Context(), &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: w.namespace, Execution: &commonpb.WorkflowExecution{WorkflowId: of.Workflow, RunId: of.Run},
	})
	if err != nil {
		t.Fatal(err)
	}
	said := info.GetExecutionConfig().GetUserMetadata()
	says(t, "the static summary", text(t, said.GetSummary()), "Critical: Terminal shell in container – shop/web-7d9f")
	says(t, "the static details", text(t, said.GetDetails()), "| Playbook | test 1.0.0 |", "| Plan | h |", "| Cluster | lab |", "| Node | ip-10-0-1-23.ec2.internal |")
	memo := info.GetWorkflowExecutionInfo().GetMemo().GetFields()
	says(t, "the memo's plan hash", text(t, memo["planHash"]), "h")
	says(t, "the memo's summary", text(t, memo[cases.SummaryMemo]), "Critical: Terminal shell in container – shop/web-7d9f")
	w.attributes(t, of, info.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields())
	w.summaries(t, of)
	w.livePage(t, of)
	w.byNode(t, of)
}

// attributes are what the lists filter by.
func (w *world) attributes(t *testing.T, of cases.Case, fields map[string]*commonpb.Payload) {
	t.Helper()
	for name, want := range map[string]string{
		workflows.CaseAttribute: of.ID, workflows.PlaybookAttribute: "test", workflows.ClusterAttribute: "lab", workflows.PhaseAttribute: "contain",
		workflows.OutcomeAttribute: workflows.OutcomeContained,
	} {
		if got := text(t, fields[name]); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if at := decode[time.Time](t, fields[workflows.AlertTimeAttribute]); !at.Equal(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("%s is %s", workflows.AlertTimeAttribute, at)
	}
	for _, name := range []string{workflows.StartedAttribute, workflows.ChangedAttribute} {
		if at := decode[time.Time](t, fields[name]); time.Since(at) > time.Hour {
			t.Errorf("%s is %s", name, at)
		}
	}
	if got, want := decode[[]string](t, fields[workflows.NodesAttribute]), []string{"ip-10-0-1-23.ec2.internal", "cordon"}; !slices.Equal(got, want) {
		t.Errorf("%s is %q, want %q: the alert's and the changed one", workflows.NodesAttribute, got, want)
	}
}

// summaries are the lines of the Web UI's timeline: each activity and each timer says what it is.
func (w *world) summaries(t *testing.T, of cases.Case) {
	t.Helper()
	seen := map[string]string{}
	events := w.Client().GetWorkflowHistory(t.Context(), of.Workflow, of.Run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if name := eventName(e); name != "" {
			seen[name] = text(t, e.GetUserMetadata().GetSummary())
		}
	}
	for name, want := range map[string]string{
		"activity cordon": "contain / cordon", "activity history": "contain / history", "activity seal": "contain / seal", "timer": "pause",
	} {
		says(t, "the summary of "+name, seen[name], want)
	}
}

func eventName(e *historypb.HistoryEvent) string {
	switch {
	case e.GetActivityTaskScheduledEventAttributes() != nil:
		return "activity " + e.GetActivityTaskScheduledEventAttributes().GetActivityId()
	case e.GetTimerStartedEventAttributes() != nil:
		return "timer"
	}
	return ""
}

// livePage is what the Web UI shows above the history of a run.
func (w *world) livePage(t *testing.T, of cases.Case) {
	t.Helper()
	value, err := w.Client().QueryWorkflow(t.Context(), of.Workflow, of.Run, "__temporal_workflow_metadata")
	if err != nil {
		t.Fatal(err)
	}
	var page sdkpb.WorkflowMetadata
	if err := value.Get(&page); err != nil {
		t.Fatal(err)
	}
	says(t, "the current details", page.GetCurrentDetails(), "**Case "+of.ID+"**: completed, contained", "| contain | 4 | 0 | 0 | 0 | 0 |", "| cordon | done | marked cordon |", "| pause | done | waited 1s |")
}

// byNode lists the case by each of its nodes, and by no other.
func (w *world) byNode(t *testing.T, of cases.Case) {
	t.Helper()
	w.listed(t, of.ID)
	for node, want := range map[string]int{"ip-10-0-1-23.ec2.internal": 1, "cordon": 1, "": 1, "ip-10-0-1-24.ec2.internal": 0} {
		list, err := w.List(t.Context(), cases.Filter{Node: node})
		if err != nil || len(list) != want {
			t.Errorf("node %q: %v, %+v", node, err, list)
		}
		for _, c := range list {
			if len(c.Nodes) != 2 || !strings.HasPrefix(c.Summary, "Critical: Terminal shell in container") {
				t.Errorf("node %q: %+v", node, c)
			}
		}
	}
}

func says(t *testing.T, what, got string, want ...string) {
	t.Helper()
	for _, part := range want {
		if !strings.Contains(got, part) {
			t.Errorf("%s lacks %q:\n%s", what, part, got)
		}
	}
}

func text(t *testing.T, p *commonpb.Payload) string {
	t.Helper()
	return decode[string](t, p)
}

// decode gives the zero value of what is not there.
func decode[T any](t *testing.T, p *commonpb.Payload) (value T) {
	t.Helper()
	if p == nil {
		return value
	}
	if err := converter.GetDefaultDataConverter().FromPayload(p, &value); err != nil {
		t.Fatal(err)
	}
	return value
}
