package cases

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/firebreak-ir/firebreak/workflows"
)

// Case is one case as the lists know it.
type Case struct {
	ID       string           `json:"case"`
	Workflow string           `json:"workflow"`
	Run      string           `json:"run"`
	Playbook string           `json:"playbook"`
	Cluster  string           `json:"cluster"`
	Status   workflows.Status `json:"status"`
	Phase    string           `json:"phase,omitempty"`
	Outcome  string           `json:"outcome,omitempty"`
	Nodes    []string         `json:"nodes,omitempty"`   // of its alert, and of what it changed
	Summary  string           `json:"summary,omitempty"` // the alert in one line
	Started  time.Time        `json:"started"`
	Ended    time.Time        `json:"ended,omitzero"`
	Drill    bool             `json:"drill,omitempty"`
}

// Open tells whether the case still runs.
func (c Case) Open() bool { return c.Status == workflows.Running || c.Status == workflows.Held }

// Filter chooses cases; its zero value chooses the newest hundred.
type Filter struct {
	OpenOnly bool
	Cluster  string
	Node     string // of the alert, or one that the case changed
	Limit    int
}

// List gives cases, the newest first. Temporal's lists follow its histories by some moments.
func (c *Cases) List(ctx context.Context, f Filter) ([]Case, error) {
	query := fmt.Sprintf("WorkflowType = '%s' AND %s", workflows.CaseWorkflow, lastRuns)
	if f.OpenOnly {
		query += " AND ExecutionStatus = 'Running'"
	}
	if f.Cluster != "" {
		if !plainWord(f.Cluster) {
			return nil, fmt.Errorf("list cases: %w of a cluster: %q", ErrNoName, f.Cluster)
		}
		query += fmt.Sprintf(" AND %s = '%s'", workflows.ClusterAttribute, f.Cluster)
	}
	if f.Node != "" {
		if !plainWord(f.Node) {
			return nil, fmt.Errorf("list cases: %w of a node: %q", ErrNoName, f.Node)
		}
		query += fmt.Sprintf(" AND %s = '%s'", workflows.NodesAttribute, f.Node)
	}
	return c.search(ctx, query, f.Limit)
}

// Find gives the one case that the reference means: a case's id, a workflow's id (its newest run), or the beginning of
// either that no other case shares.
func (c *Cases) Find(ctx context.Context, reference string) (Case, error) {
	if !plainWord(reference) {
		return Case{}, fmt.Errorf("find case %q: %w: not an id", reference, ErrNotFound)
	}
	if found, err := c.exact(ctx, reference); err != nil || found.ID != "" {
		return found, err
	}
	byPrefix := fmt.Sprintf("WorkflowType = '%s' AND %s AND (%s STARTS_WITH '%s' OR WorkflowId STARTS_WITH '%s')",
		workflows.CaseWorkflow, lastRuns, workflows.CaseAttribute, reference, reference)
	list, err := c.search(ctx, byPrefix, 10)
	if err != nil {
		return Case{}, err
	}
	return only(reference, list)
}

// exact asks for the run itself, since the lists lag behind a case that has just been started.
func (c *Cases) exact(ctx context.Context, reference string) (Case, error) {
	workflow, run := reference, ""
	if dot := strings.LastIndexByte(reference, '.'); dot > 0 {
		workflow, run = reference[:dot], reference[dot+1:]
	}
	info, err := c.describe(ctx, workflow, "")
	if err != nil {
		if missing(err) {
			return Case{}, nil
		}
		return Case{}, err
	}
	found := c.listed(info.GetWorkflowExecutionInfo())
	if info.GetWorkflowExecutionInfo().GetType().GetName() != workflows.CaseWorkflow || run != "" && found.ID != reference {
		return Case{}, nil // an older run of that workflow id: the lists know it
	}
	return found, nil
}

func only(reference string, list []Case) (Case, error) {
	switch len(list) {
	case 0:
		return Case{}, fmt.Errorf("find case %q: %w; `firebreak cases` lists them", reference, ErrNotFound)
	case 1:
		return list[0], nil
	}
	var ids []string
	for _, one := range list {
		if one.ID == reference {
			return one, nil
		}
		ids = append(ids, one.ID)
	}
	return Case{}, fmt.Errorf("find case %q: %w: %s", reference, ErrAmbiguous, strings.Join(ids, ", "))
}

// plainWord keeps what a person typed from becoming part of the query's language.
func plainWord(text string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9._:-]{1,200}$`).MatchString(text)
}

func (c *Cases) search(ctx context.Context, query string, limit int) ([]Case, error) {
	var list []Case
	err := c.visit(ctx, query, limit, func(info *workflowpb.WorkflowExecutionInfo) { list = append(list, c.listed(info)) })
	return list, err
}

// listed is a case with what stands in its memo, which is encrypted where the client's payloads are.
func (c *Cases) listed(info *workflowpb.WorkflowExecutionInfo) Case {
	found := caseOf(info)
	if payload := info.GetMemo().GetFields()[SummaryMemo]; payload != nil {
		_ = c.decoder().FromPayload(payload, &found.Summary) // a case whose key is lost is listed without it
	}
	return found
}

// visit goes through the newest runs that a query finds; a limit of zero is a hundred.
func (c *Cases) visit(ctx context.Context, query string, limit int, see func(*workflowpb.WorkflowExecutionInfo)) error {
	if limit <= 0 {
		limit = 100
	}
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	var page []byte
	for {
		answer, err := c.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: query, PageSize: int32(min(limit, 1000)), NextPageToken: page,
		})
		if err != nil {
			return explain("list cases", err)
		}
		for _, info := range answer.GetExecutions() {
			if limit--; limit < 0 {
				return nil
			}
			see(info)
		}
		page = answer.GetNextPageToken()
		if len(page) == 0 || limit == 0 {
			return nil
		}
	}
}

func caseOf(info *workflowpb.WorkflowExecutionInfo) Case {
	words := attributes{info}
	found := Case{
		ID: words.text(workflows.CaseAttribute), Workflow: info.GetExecution().GetWorkflowId(),
		Run: info.GetExecution().GetRunId(), Playbook: words.text(workflows.PlaybookAttribute),
		Cluster: words.text(workflows.ClusterAttribute), Phase: words.text(workflows.PhaseAttribute),
		Outcome: words.text(workflows.OutcomeAttribute), Started: info.GetStartTime().AsTime(),
	}
	if found.ID == "" { // the run's first task is still to come; lists do not say which run is the first, and later runs have the id
		found.ID = workflows.CaseID(found.Workflow, cmp.Or(info.GetFirstRunId(), found.Run))
	}
	if began := words.time(workflows.StartedAttribute); !began.IsZero() { // of the chain, not of its last run
		found.Started = began
	}
	if info.GetCloseTime() != nil {
		found.Ended = info.GetCloseTime().AsTime()
	}
	found.Drill, found.Nodes = words.yes(workflows.DrillAttribute), words.list(workflows.NodesAttribute)
	found.Status = statusOf(info.GetStatus(), found.Outcome)
	if found.Open() {
		found.Outcome = ""
	}
	return found
}

func statusOf(status enumspb.WorkflowExecutionStatus, outcome string) workflows.Status {
	switch status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return workflows.Completed
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return workflows.Canceled
	case enumspb.WORKFLOW_EXECUTION_STATUS_FAILED, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED,
		enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return workflows.Failed
	}
	if outcome == string(workflows.Held) {
		return workflows.Held
	}
	return workflows.Running
}

type attributes struct {
	info *workflowpb.WorkflowExecutionInfo
}

func (a attributes) text(name string) string {
	payload := a.info.GetSearchAttributes().GetIndexedFields()[name]
	if payload == nil {
		return ""
	}
	var text string
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &text); err != nil {
		return ""
	}
	return text
}

func (a attributes) list(name string) (words []string) {
	payload := a.info.GetSearchAttributes().GetIndexedFields()[name]
	if payload == nil || converter.GetDefaultDataConverter().FromPayload(payload, &words) != nil {
		return nil
	}
	return words
}

func (a attributes) yes(name string) (is bool) {
	payload := a.info.GetSearchAttributes().GetIndexedFields()[name]
	return payload != nil && converter.GetDefaultDataConverter().FromPayload(payload, &is) == nil && is
}

func (a attributes) time(name string) (at time.Time) {
	payload := a.info.GetSearchAttributes().GetIndexedFields()[name]
	if payload == nil || converter.GetDefaultDataConverter().FromPayload(payload, &at) != nil {
		return time.Time{}
	}
	return at
}
