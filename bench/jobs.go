package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/firebreak-ir/firebreak/playbooks/compile"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
)

// playbook is a job of that many steps, one after the other.
func playbook(steps int) ([]byte, error) {
	var b strings.Builder
	b.WriteString("apiVersion: firebreak/v1\nkind: Playbook\nmetadata: {name: bench, version: 1.0.0}\nsteps:\n")
	for i := range steps {
		fmt.Fprintf(&b, "  - {id: s%d, phase: contain, uses: bench.nothing, with: {n: %d}}\n", i, i)
	}
	return []byte(b.String()), nil
}

func compiled(steps int) (plan.Plan, error) {
	text, err := playbook(steps)
	if err != nil {
		return plan.Plan{}, err
	}
	p, problems := compile.Compile("bench.yaml", text, catalog())
	if len(problems) > 0 {
		return plan.Plan{}, problems[0]
	}
	return p, nil
}

// interpret runs the job as a case, and gives its wall time and its workflow's id.
func (w *world) interpret(ctx context.Context, p plan.Plan, n int) (time.Duration, string, error) {
	id := plan.WorkflowID("bench", fmt.Sprint(p.Hash, n, time.Now().UnixNano()))
	began := time.Now()
	run, err := w.Client().ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: workflows.Queue}, workflows.CaseWorkflow,
		workflows.Input{Plan: p, Cluster: "bench", Alert: plan.Alert{Rule: "bench"}})
	if err == nil {
		err = run.Get(ctx, nil)
	}
	return time.Since(began), id, err
}

func (w *world) hand(ctx context.Context, steps, n int) (time.Duration, string, error) {
	id := fmt.Sprintf("by-hand-%d-%d-%d", steps, n, time.Now().UnixNano())
	began := time.Now()
	run, err := w.Client().ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: handQueue}, "ByHand", job{Case: id, Steps: steps, Alert: plan.Alert{Rule: "bench"}})
	if err == nil {
		err = run.Get(ctx, nil)
	}
	return time.Since(began), id, err
}

// rounds is how often each of two is run, in turns, so that the machine's mood hits both alike.
const rounds = 25

// compareJobs runs the same 20 steps interpreted and by hand.
func compareJobs(ctx context.Context, w *world) ([]row, error) {
	p, err := compiled(20)
	if err != nil {
		return nil, err
	}
	var ratios []float64
	var a, b []time.Duration
	var idA, idB string
	for n := range rounds + 2 {
		ta, one, err := w.interpret(ctx, p, n)
		if err != nil {
			return nil, err
		}
		tb, two, err := w.hand(ctx, 20, n)
		if err != nil {
			return nil, err
		}
		idA, idB = one, two
		if n >= 2 { // the first ones warm both up
			a, b, ratios = append(a, ta), append(b, tb), append(ratios, float64(ta)/float64(tb))
		}
	}
	bytesA, eventsA, err := w.bytesOf(ctx, idA)
	if err != nil {
		return nil, err
	}
	bytesB, eventsB, err := w.bytesOf(ctx, idB)
	if err != nil {
		return nil, err
	}
	wall, size := middle(ratios), float64(bytesA)/float64(bytesB)
	return []row{
		{
			what:  "20 steps, interpreted / by hand: wall (median of the pairs)",
			value: fmt.Sprintf("%.2f× (%s / %s)", wall, short(middle(a)), short(middle(b))), limit: "≤ 1.05×", holds: wall <= 1.05,
		},
		{
			what:  "20 steps, interpreted / by hand: bytes of history",
			value: fmt.Sprintf("%.2f× (%d / %d)", size, bytesA, bytesB), limit: "≤ 1.10×", holds: size <= 1.10,
		},
		{what: "20 steps, interpreted / by hand: events", value: fmt.Sprintf("%d / %d", eventsA, eventsB)},
	}, nil
}

// sequential runs 50 activities one after the other.
func sequential(ctx context.Context, w *world) ([]row, error) {
	p, err := compiled(50)
	if err != nil {
		return nil, err
	}
	var each []time.Duration
	for n := range rounds {
		took, _, err := w.interpret(ctx, p, n)
		if err != nil {
			return nil, err
		}
		each = append(each, took/50)
	}
	m := middle(each)
	return []row{{what: "50 sequential activities: each (median run)", value: short(m), limit: "≤ 8 ms", holds: m <= 8*time.Millisecond}}, nil
}

func middle[T ~int64 | ~float64](list []T) T {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

func short(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}
