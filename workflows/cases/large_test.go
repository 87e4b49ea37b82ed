package cases_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// bulk is how much each change of a large case says of itself: 40 of them are more than Temporal's server lets a query answer.
const bulk = 60_000

type bulkyOut struct {
	activities.Result

	Dump string `json:"dump" doc:"What was captured"`
}

// bulky changes something and says much about it.
func (w *world) bulky() activities.Definition {
	return activities.Define(activities.Activity[markIn, bulkyOut]{
		Name: "test.bulky", Effect: activities.Change, Place: activities.OnCluster,
		Run: func(ctx context.Context, call activities.Call, in markIn) (bulkyOut, error) {
			out, err := w.mark(ctx, call, in)
			return bulkyOut{out.Result, strings.Repeat(in.Name+" ", bulk/(len(in.Name)+1))}, err
		},
		Undo: func(ctx context.Context, call activities.Call, in markIn, out bulkyOut) error {
			if len(out.Dump) < bulk/2 {
				return fmt.Errorf("the undo of %s was not given what it said", in.Name)
			}
			return w.unmark(ctx, call, in, markOut{})
		},
	})
}

// large is a case of 40 changes which then asks, and asks once more.
func (w *world) large(key string) cases.Case {
	items := make([]plan.Value, 40)
	for i := range items {
		items[i] = plan.Value{Literal: fmt.Sprintf("item-%d", i)}
	}
	do := use("dump", "test.bulky", activities.OnCluster, activities.Change)
	do.Uses.With = plan.Value{Map: []plan.Entry{{Key: "name", Value: plan.Value{Expr: &plan.Expr{Source: "item"}}}}}
	in := input(w.cluster,
		plan.Step{
			ID: "list", Path: "list", Phase: "contain", OnError: plan.Hold, Output: "{of: [string]}",
			Set: []plan.Entry{{Key: "of", Value: plan.Value{List: items}}},
		},
		plan.Step{
			ID: "each", Path: "each", Phase: "contain", OnError: plan.Hold,
			Foreach: &plan.Foreach{In: plan.Expr{Source: "steps.list.output.of"}, As: "item", Item: "string", Concurrency: 8, Max: 100, Do: []plan.Step{do}},
		},
		plan.Step{ID: "evict", Path: "evict", Phase: "contain", OnError: plan.Hold, Approve: &plan.Approve{
			Title: plan.Value{Literal: "Evict?"}, From: "ir", Choices: []string{"contain", "leave"},
		}},
		guarded("gate"))
	in.Plan.Approvers = []plan.Approver{{Name: "ir", Subjects: []string{"ann"}, Quorum: 1}}
	return w.opened(key, in)
}

// TestALargeCaseIsDecidedShownAndUndone has more in its outputs than one answer to a query may hold.
func TestALargeCaseIsDecidedShownAndUndone(t *testing.T) {
	w := newWorld(t)
	w.more = []activities.Definition{w.bulky()}
	w.works()
	of := w.large("large")
	w.until(of, "asking", func(v cases.View) bool { return len(v.Questions) == 1 })
	asked, err := w.eventuallyAsked(t)
	if err != nil || len(asked) != 1 || asked[0].Case != of.ID || asked[0].Step != "evict" {
		t.Fatalf("%v, %+v", err, asked)
	}
	w.voted(t, of, asked[0].Question, "ann")
	w.until(of, "held", held)
	w.wholly(t, of)
	w.undoesAll(t, of)
}

// TestACaseThatDoesNotAnswerHidesNoOther has a case that no worker serves beside one that asks.
func TestACaseThatDoesNotAnswerHidesNoOther(t *testing.T) {
	w := newWorld(t)
	w.works()
	in := input(w.cluster, plan.Step{ID: "triage", Path: "triage", Phase: "coordinate", OnError: plan.Hold, Approve: &plan.Approve{
		Title: plan.Value{Literal: "Contain?"}, From: "ir", Choices: []string{"contain", "leave"},
	}})
	in.Plan.Approvers = []plan.Approver{{Name: "ir", Subjects: []string{"ann"}, Quorum: 1}}
	of := w.opened("answers", in)
	if list, err := w.eventuallyAsked(t); err != nil || len(list) != 1 {
		t.Fatalf("%v, %+v", err, list)
	}
	silent, err := w.Client().ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "silent", TaskQueue: "nobody"}, workflows.CaseWorkflow, in)
	if err != nil {
		t.Fatal(err)
	}
	w.opens(t, 2)
	list, err := w.Questions(t.Context(), cases.Filter{})
	if len(list) != 1 || list[0].Case != of.ID {
		t.Errorf("the one that does not answer hides the other: %+v", list)
	}
	if id := workflows.CaseID("silent", silent.GetRunID()); !errors.Is(err, cases.ErrNoWorker) || !strings.Contains(err.Error(), id) {
		t.Errorf("%s is not named: %v", id, err)
	}
}

// opens waits until the lists have so many open cases.
func (w *world) opens(t *testing.T, n int) {
	t.Helper()
	for range 100 {
		if open, err := w.List(t.Context(), cases.Filter{OpenOnly: true}); err == nil && len(open) == n {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the lists do not have the cases")
}

// eventuallyAsked waits for the lists, which follow the histories.
func (w *world) eventuallyAsked(t *testing.T) (list []cases.Question, err error) {
	t.Helper()
	for range 50 {
		if list, err = w.Questions(t.Context(), cases.Filter{}); err != nil || len(list) > 0 {
			return list, err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return list, err
}

// wholly wants the whole state, with every output.
func (w *world) wholly(t *testing.T, of cases.Case) {
	t.Helper()
	view, err := w.View(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	whole := slices.DeleteFunc(slices.Clone(view.Steps), func(s activities.StepRecord) bool {
		output, _ := s.Output.(map[string]any)
		dump, _ := output["dump"].(string)
		return len(dump) < bulk/2
	})
	if len(whole) != 40 || len(view.Steps) != 44 || view.Alert == nil || len(view.Cut) != 0 {
		t.Fatalf("%d whole of %d steps, without %q", len(whole), len(view.Steps), view.Cut)
	}
}

func (w *world) undoesAll(t *testing.T, of cases.Case) {
	t.Helper()
	result, err := w.Undo(t.Context(), of, cases.UndoRequest{By: "ann", AbortHeld: true}, func(workflows.UndoResult) {})
	if err != nil || result.Failures() != 0 {
		t.Fatalf("%v, %+v", err, result)
	}
	var order []string
	for _, s := range result.Steps {
		if s.Activity == workflows.UndoActivity("test.bulky") {
			order = append(order, s.Path)
		}
	}
	if len(order) != 40 || len(w.marks()) != 0 {
		t.Fatalf("%d undone, %d are left", len(order), len(w.marks()))
	}
}
