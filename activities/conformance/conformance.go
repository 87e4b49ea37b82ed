// Package conformance holds an activity to its declaration on real servers: run twice = same state, undo after nothing,
// half and twice = no harm, dry run = no writes, permissions = those really used, a missing one = an error naming it.
package conformance

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
)

// Subject is one activity and the world it acts on. Every test that is held to it has a world of its own.
type Subject struct {
	// Activity acts through Tap.
	Activity activities.Definition
	Tap      *Tap
	Call     activities.Call
	In       any
	// State is the part of the world that the activity can touch, as text that is equal exactly when the state is.
	State func(testing.TB) string
	// Without gives the activity with one declared permission taken away, such as "patch pods"; nil where the servers
	// do not enforce permissions.
	Without func(t testing.TB, permission string) activities.Definition
}

// Change holds an activity that changes and undoes.
func Change(t *testing.T, s Subject) {
	t.Helper()
	before := s.State(t)
	s.undo(t, "that never ran")
	same(t, "undo of what never ran", before, s.State(t))

	s.dryRun(t, before)
	s.run(t)
	after := s.State(t)
	if after == before {
		t.Fatal("the run changed nothing: the subject shows nothing")
	}
	s.run(t)
	same(t, "second run with one key", after, s.State(t))
	s.undo(t, "once")
	same(t, "undo", before, s.State(t))
	s.undo(t, "twice")
	same(t, "second undo", before, s.State(t))

	s.interruptions(t, before, after)
	s.interruptedUndo(t, before)
	s.declared(t)
	s.forbidden(t)
	same(t, "undo of runs that lacked a permission", before, s.State(t))
}

// Look holds an activity that reads or captures: it changes nothing in the world.
func Look(t *testing.T, s Subject) {
	t.Helper()
	before := s.State(t)
	s.dryRun(t, before)
	if n := s.writesOf(t, func() { s.run(t); s.run(t) }); n != 0 {
		t.Errorf("an activity with effect %q wrote %d times", s.Activity.Effect, n)
	}
	same(t, "run", before, s.State(t))
	s.declared(t)
	s.forbidden(t)
}

func (s Subject) input(t testing.TB) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(s.In)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (s Subject) run(t testing.TB) {
	t.Helper()
	out, err := s.Activity.Run(t.Context(), s.Call, s.input(t))
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	honest(t, out)
}

// honest refuses an output that says neither what was done nor why nothing was.
func honest(t testing.TB, out json.RawMessage) activities.Result {
	t.Helper()
	var r activities.Result
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	if (r.Status != activities.Done && r.Status != activities.Skipped) || r.Summary == "" {
		t.Errorf("status %q, summary %q: an output says what was done, or why nothing was", r.Status, r.Summary)
	}
	return r
}

// undo undoes without the run's output, as after a crash.
func (s Subject) undo(t testing.TB, when string) {
	t.Helper()
	if err := s.Activity.Undo(t.Context(), s.Call, s.input(t), nil); err != nil {
		t.Fatalf("undo %s: %v", when, err)
	}
}

func (s Subject) dryRun(t testing.TB, before string) {
	t.Helper()
	call := s.Call
	call.DryRun = true
	writes := s.writesOf(t, func() {
		out, err := s.Activity.Run(t.Context(), call, s.input(t))
		if err != nil {
			t.Fatalf("dry run: %v", err)
		}
		if would := honest(t, out).Would; len(would) == 0 && s.Activity.Effect != activities.Read {
			t.Error("a dry run that would change or keep something must say what")
		}
	})
	if writes != 0 {
		t.Errorf("a dry run wrote %d times", writes)
	}
	same(t, "dry run", before, s.State(t))
}

func (s Subject) writesOf(t testing.TB, do func()) int {
	t.Helper()
	start := s.Tap.Writes()
	do()
	return s.Tap.Writes() - start
}

// interruptions breaks the connection at the first write, the second and so on, once before it reaches the server and
// once after, and then undoes, or runs again.
func (s Subject) interruptions(t testing.TB, before, after string) {
	t.Helper()
	for n, more := 1, true; more; n++ {
		for _, reached := range []bool{false, true} {
			more = s.broken(t, n, reached)
			s.undo(t, "of half a run")
			same(t, "undo of half a run", before, s.State(t))
			s.broken(t, n, reached)
			s.run(t)
			same(t, "run after half a run", after, s.State(t))
			s.undo(t, "of a run after half a run")
			same(t, "undo of a run after half a run", before, s.State(t))
		}
	}
}

// broken runs with the connection cut at the n-th write; false when the run was through before.
func (s Subject) broken(t testing.TB, n int, reached bool) bool {
	t.Helper()
	s.Tap.Cut(n, reached)
	_, err := s.Activity.Run(t.Context(), s.Call, s.input(t))
	cut := s.Tap.Mend()
	if _, permanent := activities.KindOf(err); permanent {
		t.Fatalf("a broken connection is worth a retry, but the run called it permanent: %v", err)
	}
	mustMatch(t, "run", n, cut, err)
	return cut
}

func (s Subject) interruptedUndo(t testing.TB, before string) {
	t.Helper()
	for n, more := 1, true; more; n++ {
		for _, reached := range []bool{false, true} {
			s.run(t)
			s.Tap.Cut(n, reached)
			err := s.Activity.Undo(t.Context(), s.Call, s.input(t), nil)
			more = s.Tap.Mend()
			mustMatch(t, "undo", n, more, err)
			s.undo(t, "after half an undo")
			same(t, "undo after half an undo", before, s.State(t))
		}
	}
}

// mustMatch refuses success through a broken connection, and failure through a whole one.
func mustMatch(t testing.TB, what string, n int, cut bool, err error) {
	t.Helper()
	switch {
	case cut && err == nil:
		t.Fatalf("the connection was cut at write %d and the %s reported success", n, what)
	case !cut && err != nil:
		t.Fatalf("%s: %v", what, err)
	}
}

func same(t testing.TB, what, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		if line(w, i) != line(g, i) {
			t.Errorf("%s: line %d of the state is\n  %s\nwant\n  %s", what, i+1, line(g, i), line(w, i))
		}
	}
	t.FailNow()
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}
