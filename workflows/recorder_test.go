package workflows_test

import (
	"testing"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
)

// recorder sees what a run hands to Temporal: the markers that stand in the history, and how activities are to be run.
type recorder struct {
	interceptor.WorkerInterceptorBase

	markers []marker
	options map[string]workflow.ActivityOptions // by activity
}

type marker struct {
	summary string
	check   activities.GuardCheck
}

// records lets a bench's runs be seen.
func (b *bench) records() *recorder {
	r := &recorder{options: map[string]workflow.ActivityOptions{}}
	b.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute, Interceptors: []interceptor.WorkerInterceptor{r}})
	return r
}

// InterceptWorkflow stands between the workflow and Temporal.
func (r *recorder) InterceptWorkflow(ctx workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &inbound{interceptor.WorkflowInboundInterceptorBase{Next: next}, r}
}

type inbound struct {
	interceptor.WorkflowInboundInterceptorBase

	r *recorder
}

func (i *inbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&outbound{interceptor.WorkflowOutboundInterceptorBase{Next: next}, i.r})
}

type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase

	r *recorder
}

func (o *outbound) SideEffectWithOptions(ctx workflow.Context, options workflow.SideEffectOptions, f func(workflow.Context) any) converter.EncodedValue {
	value := o.Next.SideEffectWithOptions(ctx, options, f)
	m := marker{summary: options.Summary}
	if value.Get(&m.check) == nil {
		o.r.markers = append(o.r.markers, m)
	}
	return value
}

func (o *outbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	o.r.options[name] = workflow.GetActivityOptions(ctx)
	return o.Next.ExecuteActivity(ctx, name, args...)
}

// checks are the guards' checks that stand in the history.
func (r *recorder) checks(t *testing.T) (list []activities.GuardCheck) {
	t.Helper()
	for _, m := range r.markers {
		list = append(list, m.check)
	}
	return list
}
