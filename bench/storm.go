package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// starts hands alerts over at once, as the receiver does; key gives the dedup key of each.
func (w *world) starts(ctx context.Context, p plan.Plan, n int, key func(i int) string) ([]cases.Started, time.Duration, error) {
	started, errs := make([]cases.Started, n), make([]error, n)
	began := time.Now()
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			in := workflows.Input{Plan: p, Cluster: "bench", Alert: plan.Alert{Rule: "bench", ID: fmt.Sprint(i)}}
			started[i], errs[i] = w.Start(ctx, plan.WorkflowID("bench", key(i)), in)
		})
	}
	wait.Wait()
	return started, time.Since(began), errors.Join(errs...)
}

// storm is one alert, 200 times at once, while its case runs.
func storm(ctx context.Context, w *world) ([]row, error) {
	p, err := compiled(20)
	if err != nil {
		return nil, err
	}
	var times []time.Duration
	for round := range 5 {
		started, took, err := w.starts(ctx, p, 200, func(int) string { return fmt.Sprint("storm", round, w.namespace) })
		if err != nil {
			return nil, err
		}
		fresh := 0
		for _, s := range started {
			if !s.Joined {
				fresh++
			}
		}
		if fresh != 1 {
			return nil, fmt.Errorf("200 identical alerts opened %d cases", fresh)
		}
		times = append(times, took)
	}
	m := middle(times)
	return []row{{what: "200 identical alerts at once: one case, all counted", value: short(m), limit: "≤ 1 s", holds: m <= time.Second}}, nil
}

// flood is 1,000 different alerts at once: each is a case of three steps, and all of them end.
func flood(ctx context.Context, w *world) ([]row, error) {
	p, err := compiled(3)
	if err != nil {
		return nil, err
	}
	const n = 1000
	began := time.Now()
	started, accepted, err := w.starts(ctx, p, n, func(i int) string { return fmt.Sprint("flood", i, w.namespace) })
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, s := range started {
		seen[s.Case] = true
	}
	if err := w.ended(ctx, began, n); err != nil {
		return nil, err
	}
	took := time.Since(began)
	return []row{
		{what: "1,000 different alerts at once: accepted, each a case", value: fmt.Sprintf("%d in %.1f s", len(seen), accepted.Seconds()), limit: "1,000", holds: len(seen) == n},
		{what: "1,000 cases of three steps, from the first alert to the last end", value: fmt.Sprintf("%.1f s, %.0f runs/s", took.Seconds(), n/took.Seconds())},
	}, nil
}

// ended waits until that many cases which began since then are completed.
func (w *world) ended(ctx context.Context, since time.Time, n int64) error {
	query := fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Completed' AND StartTime >= '%s'",
		workflows.CaseWorkflow, since.UTC().Add(-time.Second).Format(time.RFC3339Nano))
	for {
		answer, err := w.Client().CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: w.namespace, Query: query})
		if err != nil {
			return err
		}
		if answer.GetCount() >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		if time.Since(since) > 5*time.Minute {
			return fmt.Errorf("%d of %d cases have ended after five minutes", answer.GetCount(), n)
		}
	}
}
