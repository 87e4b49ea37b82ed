// Package casetest is a Temporal frontend for tests: it knows one case and answers as the test says, so that what a
// caller makes of an answer can be tested where no Temporal runs.
package casetest

import (
	"context"
	"net"
	"sync"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	updatepb "go.temporal.io/api/update/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// Server is the frontend. Its fields are set before it is started; what it was asked for is read through its methods.
type Server struct {
	workflowservice.UnimplementedWorkflowServiceServer

	Workflow string   // workflow id of the case; its run id is Run
	Others   []string // workflow ids that the lists hold besides
	Pending  []*workflowpb.PendingActivityInfo
	Pollers  map[string][]*taskqueuepb.PollerInfo // task queue -> who polls it for activities
	NoWorker bool                                 // nobody answers queries and updates; Decide may set it
	Untaken  int                                  // queries that time out before a worker takes one

	State  func() workflows.State           // nil: an empty one
	Decide func(d workflows.Decision) error // nil: every decision is taken
	Closed func() bool                      // nil: the case is open

	mu        sync.Mutex
	decisions []workflows.Decision
	signalled []int // bytes of each alert
	canceled  int
}

// Run is the run id of the case.
const Run = "4e5f6a7b-498c-4c84-822b-c497e72d97b3"

// Start serves until the test ends, and gives the address.
func (s *Server) Start(t testing.TB) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, healthy := grpc.NewServer(), health.NewServer()
	healthy.SetServingStatus("temporal.api.workflowservice.v1.WorkflowService", grpc_health_v1.HealthCheckResponse_SERVING)
	workflowservice.RegisterWorkflowServiceServer(server, s)
	grpc_health_v1.RegisterHealthServer(server, healthy)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

// Decisions are those that were asked for, refused ones included.
func (s *Server) Decisions() []workflows.Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]workflows.Decision{}, s.decisions...)
}

// Canceled counts the requests to cancel the case.
func (s *Server) Canceled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.canceled
}

// Signalled gives the size of each alert that was signalled.
func (s *Server) Signalled() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int{}, s.signalled...)
}

// GetSystemInfo is what a client asks first.
func (s *Server) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, nil
}

// SignalWithStartWorkflowExecution notes the alert.
func (s *Server) SignalWithStartWorkflowExecution(_ context.Context, r *workflowservice.SignalWithStartWorkflowExecutionRequest) (*workflowservice.SignalWithStartWorkflowExecutionResponse, error) {
	var alert plan.Alert
	if err := converter.GetDefaultDataConverter().FromPayloads(r.GetSignalInput(), &alert); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signalled = append(s.signalled, len(r.GetSignalInput().GetPayloads()[0].GetData()))
	return &workflowservice.SignalWithStartWorkflowExecutionResponse{RunId: Run, Started: true}, nil
}

// DescribeWorkflowExecution knows the case's own workflow only.
func (s *Server) DescribeWorkflowExecution(_ context.Context, r *workflowservice.DescribeWorkflowExecutionRequest) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if r.GetExecution().GetWorkflowId() != s.Workflow {
		return nil, status.Error(codes.NotFound, "workflow not found")
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: s.info(s.Workflow), PendingActivities: s.Pending,
	}, nil
}

// ListWorkflowExecutions gives every case, whatever is asked for.
func (s *Server) ListWorkflowExecutions(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	answer := &workflowservice.ListWorkflowExecutionsResponse{}
	for _, id := range append([]string{s.Workflow}, s.Others...) {
		answer.Executions = append(answer.Executions, s.info(id))
	}
	return answer, nil
}

func (s *Server) info(id string) *workflowpb.WorkflowExecutionInfo {
	info := &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: id, RunId: Run}, FirstRunId: Run,
		Type: &commonpb.WorkflowType{Name: workflows.CaseWorkflow}, StartTime: timestamppb.Now(),
		Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, SearchAttributes: &commonpb.SearchAttributes{
			IndexedFields: map[string]*commonpb.Payload{workflows.OutcomeAttribute: payload(s.state().Status)},
		},
	}
	if s.Closed != nil && s.Closed() {
		info.Status, info.CloseTime = enumspb.WORKFLOW_EXECUTION_STATUS_FAILED, timestamppb.Now()
	}
	return info
}

func (s *Server) state() workflows.State {
	if s.State == nil {
		return workflows.State{Status: workflows.Running}
	}
	return s.State()
}

// QueryWorkflow answers for the case's state and changes.
func (s *Server) QueryWorkflow(_ context.Context, r *workflowservice.QueryWorkflowRequest) (*workflowservice.QueryWorkflowResponse, error) {
	if s.NoWorker || s.untaken() {
		return nil, status.Error(codes.DeadlineExceeded, "no worker")
	}
	state := s.state()
	var result any = state
	switch r.GetQuery().GetQueryType() {
	case workflows.UndoQuery:
		result = []workflows.Undoable{}
	case workflows.WaitingQuery:
		result = workflows.Waiting{Case: state.Case, Status: state.Status, Holds: state.Holds, Questions: state.Questions}
	}
	return &workflowservice.QueryWorkflowResponse{QueryResult: payloads(result)}, nil
}

func (s *Server) untaken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Untaken--
	return s.Untaken >= 0
}

// UpdateWorkflowExecution takes a decision.
func (s *Server) UpdateWorkflowExecution(_ context.Context, r *workflowservice.UpdateWorkflowExecutionRequest) (*workflowservice.UpdateWorkflowExecutionResponse, error) {
	if s.NoWorker {
		return nil, status.Error(codes.DeadlineExceeded, "no worker")
	}
	var d workflows.Decision
	if err := converter.GetDefaultDataConverter().FromPayloads(r.GetRequest().GetInput().GetArgs(), &d); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	outcome := &updatepb.Outcome{Value: &updatepb.Outcome_Success{Success: &commonpb.Payloads{}}}
	if err := s.take(d); err != nil {
		failure := temporal.GetDefaultFailureConverter().ErrorToFailure(temporal.NewApplicationError(err.Error(), "refused"))
		outcome.Value = &updatepb.Outcome_Failure{Failure: failure}
	}
	return &workflowservice.UpdateWorkflowExecutionResponse{
		Stage: enumspb.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED, Outcome: outcome,
		UpdateRef: &updatepb.UpdateRef{WorkflowExecution: r.GetWorkflowExecution(), UpdateId: r.GetRequest().GetMeta().GetUpdateId()},
	}, nil
}

func (s *Server) take(d workflows.Decision) error {
	s.mu.Lock()
	s.decisions = append(s.decisions, d)
	s.mu.Unlock()
	if s.Decide == nil {
		return nil
	}
	return s.Decide(d)
}

// RequestCancelWorkflowExecution counts.
func (s *Server) RequestCancelWorkflowExecution(context.Context, *workflowservice.RequestCancelWorkflowExecutionRequest) (*workflowservice.RequestCancelWorkflowExecutionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.canceled++
	return &workflowservice.RequestCancelWorkflowExecutionResponse{}, nil
}

// DescribeTaskQueue says who polls.
func (s *Server) DescribeTaskQueue(_ context.Context, r *workflowservice.DescribeTaskQueueRequest) (*workflowservice.DescribeTaskQueueResponse, error) {
	return &workflowservice.DescribeTaskQueueResponse{Pollers: s.Pollers[r.GetTaskQueue().GetName()]}, nil
}

func payload(value any) *commonpb.Payload { return payloads(value).GetPayloads()[0] }

// payloads encodes a test's own values, which JSON never refuses.
func payloads(value any) *commonpb.Payloads {
	p, err := converter.GetDefaultDataConverter().ToPayloads(value)
	if err != nil {
		panic(err)
	}
	return p
}
