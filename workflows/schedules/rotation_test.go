package schedules_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/internal/labenv"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/worker/codec"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
	"github.com/firebreak-ir/firebreak/workflows/schedules"
)

// with gives the desk as somebody has it who holds these keys, of which the first encrypts.
func (d desk) with(t *testing.T, keys ...string) desk {
	t.Helper()
	var list []codec.Key
	for _, id := range keys {
		list = append(list, codec.Key{ID: id, Secret: bytes.Repeat([]byte(id[1:]), codec.KeySize)})
	}
	ring, err := codec.NewRing(keys[0], list)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cases.Dial(cases.Options{Address: labenv.Load(t).Temporal.Address, Namespace: d.namespace, DataConverter: ring.Converter()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return desk{schedules.New(c.Client(), ring.Converter(), time.Now), c.Client(), c, d.namespace, d.rests}
}

func (d desk) sweeps(t *testing.T, wanted ...schedules.Wanted) []schedules.Change {
	t.Helper()
	done, err := d.Apply(t.Context(), schedules.Apply{Wanted: wanted, Cluster: "lab", By: "ann", Playbooks: []string{"-"}})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// TestSchedulesFollowTheEncryptionKey rotates the key: what a schedule starts, and what it is known by, must be readable when the
// old key is gone.
func TestSchedulesFollowTheEncryptionKey(t *testing.T) {
	plain := newDesk(t)
	p := waiting("0 10 * * TUE")
	sweep := schedules.Sweep("lab", "0 * * * *", "", true)
	d := plain.with(t, "k1")
	differs(t, []schedules.Change{{ID: id, Change: schedules.Created}}, d.apply(t, p, nil))
	differs(t, []schedules.Change{{ID: "sweep@lab", Change: schedules.Created}}, d.sweeps(t, sweep))
	if err := d.Pause(t.Context(), "sweep@lab", "bob", "release week"); err != nil {
		t.Fatal(err)
	}
	differs(t, []schedules.Change{{ID: id, Change: schedules.Unchanged}}, d.apply(t, p, nil))

	d = plain.with(t, "k2", "k1")
	why := []string{"encrypted with another key than the current one"}
	all := []schedules.Change{{ID: id, Change: schedules.Updated, Why: why}, {ID: "sweep@lab", Change: schedules.Updated, Why: why, Paused: true}}
	differs(t, all, d.apply(t, p, func(a *schedules.Apply) { a.DryRun = true }))
	differs(t, all, d.apply(t, p, nil))
	differs(t, []schedules.Change{{ID: id, Change: schedules.Unchanged}}, d.apply(t, p, nil))

	d = plain.with(t, "k2")
	d.readable(t)
	differs(t, []schedules.Change{{ID: id, Change: schedules.Unchanged}}, d.apply(t, p, nil))

	plain.with(t, "k3").locked(t, p) // k2 was dropped before anybody applied
	d.starts(t)
}

// locked wants schedules that cannot be read to be told, and to be removable.
func (d desk) locked(t *testing.T, p plan.Plan) {
	t.Helper()
	list, err := d.List(t.Context(), "lab")
	if err != nil || len(list) != 2 || list[0].Playbook != "drilled" || list[0].Trigger != "weekly" || list[1].Note != schedules.ErrLocked.Error() {
		t.Fatalf("%v, %+v", err, list)
	}
	wanted, err := schedules.Of(workflows.Input{Plan: p, Cluster: "lab"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(t.Context(), schedules.Apply{Wanted: wanted, Cluster: "lab", By: "ann"}); !errors.Is(err, schedules.ErrLocked) {
		t.Fatalf("got %v", err)
	}
	if err := d.Delete(t.Context(), "sweep@lab"); err != nil {
		t.Fatal(err)
	}
}

func (d desk) readable(t *testing.T) {
	t.Helper()
	d.eventually(t, "both schedules in the list", func() bool {
		list, err := d.List(t.Context(), "lab")
		return err == nil && len(list) == 2 && list[0].ID == id && list[0].Playbook == "drilled" && list[0].Trigger == "weekly" &&
			list[1].ID == "sweep@lab" && list[1].Playbook == "" && list[1].Paused && list[1].Note == "paused by bob: release week"
	})
}

// starts wants a run that a worker with the new key alone can read.
func (d desk) starts(t *testing.T) {
	t.Helper()
	run, started, err := d.Trigger(t.Context(), id)
	if err != nil || !started {
		t.Fatalf("%t, %v", started, err)
	}
	d.rests()
	works(t, d.client, d.namespace)
	var state workflows.State
	d.eventually(t, "the case's state", func() bool {
		state, err = d.cases.State(t.Context(), cases.Case{ID: run.Case, Workflow: run.Workflow})
		return err == nil
	})
	if state.Mode != string(plan.Drill) || state.Playbook != "drilled" {
		t.Fatalf("%+v", state.Record)
	}
}
