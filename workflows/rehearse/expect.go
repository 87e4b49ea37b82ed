package rehearse

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/scenario"
	"github.com/firebreak-ir/firebreak/workflows"
)

// expected compares the run with what the test wants, and gives a sentence for each difference.
func (s *stage) expected(state workflows.State) []string {
	e := s.test.Expect
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	waiting := held(state)
	switch {
	case e.Outcome != "" && len(waiting) > 0:
		say("the outcome should be %q, but the run waits at %s", e.Outcome, listed(waiting))
	case e.Outcome != "" && e.Outcome != state.Outcome:
		say("the outcome should be %q, but is %q", e.Outcome, state.Outcome)
	}
	if d := difference(e.Held, waiting); d != "" {
		say("held: %s", d)
	}
	for _, path := range slices.Sorted(maps.Keys(e.Steps)) {
		if status := statusOf(state, path); status != e.Steps[path] {
			say("step %q should be %s, but is %s", path, e.Steps[path], status)
		}
	}
	for _, name := range e.Calls {
		if !s.called(name) {
			say("%s should have run, but did not", name)
		}
	}
	for _, name := range e.NotCalled {
		if s.called(name) {
			say("%s should not have run, but did", name)
		}
	}
	for _, path := range e.Undone {
		if !slices.ContainsFunc(s.calls(), func(c Call) bool { return c.Undo && meant(path, c.Step) }) {
			say("the change of step %q should have been taken back, but stands", path)
		}
	}
	wrong = append(wrong, ordered(state, e.Order)...)
	wrong = append(wrong, outputs(e.Outputs, state.Outputs)...)
	if t := took(state); e.Within > 0 && t > e.Within {
		say("the run took %s, more than %s", t, e.Within)
	}
	return wrong
}

// held gives the steps that wait for a person.
func held(state workflows.State) []string {
	var paths []string
	for _, s := range state.Steps {
		if s.Status == activities.StepHeld {
			paths = append(paths, s.Path)
		}
	}
	for _, q := range state.Questions {
		paths = append(paths, q.Step)
	}
	return paths
}

// difference compares lists of steps, whatever their order; [*] in a wanted one stands for any item.
func difference(want, have []string) string {
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h string) bool { return meant(w, h) }) {
			return fmt.Sprintf("%q should wait for a person, but does not; waiting: %s", w, listed(have))
		}
	}
	for _, h := range have {
		if !slices.ContainsFunc(want, func(w string) bool { return meant(w, h) }) {
			return fmt.Sprintf("%q waits for a person, and should not", h)
		}
	}
	return ""
}

func listed(paths []string) string {
	if len(paths) == 0 {
		return "none"
	}
	return strings.Join(paths, ", ")
}

func statusOf(state workflows.State, path string) string {
	found := ""
	for _, s := range state.Steps {
		if meant(path, s.Path) && found != string(s.Status) {
			found = strings.TrimPrefix(found+" and "+string(s.Status), " and ")
		}
	}
	if found == "" {
		return "not reached"
	}
	return found
}

// called tells whether an activity, or the step of a path, ran.
func (s *stage) called(name string) bool {
	return slices.ContainsFunc(s.calls(), func(c Call) bool {
		return !c.Undo && (c.Activity == name || meant(name, c.Step) || scenario.Bare(c.Step) == name)
	})
}

// ordered wants each place of the playbook to be over before the next one begins.
func ordered(state workflows.State, places []string) []string {
	var wrong []string
	for i := 1; i < len(places); i++ {
		before, after := at(state, places[i-1]), at(state, places[i])
		switch {
		case len(before) == 0:
			wrong = append(wrong, fmt.Sprintf("step %q should come before %q, but was not reached", places[i-1], places[i]))
		case len(after) == 0:
			wrong = append(wrong, fmt.Sprintf("step %q should come after %q, but was not reached", places[i], places[i-1]))
		case !over(before, after):
			wrong = append(wrong, fmt.Sprintf("step %q should be over before %q begins, but is not", places[i-1], places[i]))
		}
	}
	return wrong
}

func at(state workflows.State, place string) []activities.StepRecord {
	var out []activities.StepRecord
	for _, s := range state.Steps {
		if scenario.Bare(s.Path) == place || meant(place, s.Path) {
			out = append(out, s)
		}
	}
	return out
}

func over(before, after []activities.StepRecord) bool {
	for _, b := range before {
		for _, a := range after {
			if b.Ended.IsZero() || b.Ended.After(a.Started) {
				return false
			}
		}
	}
	return true
}

func outputs(want, have map[string]any) []string {
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !reflect.DeepEqual(plan.Copy(want[name]), plan.Copy(have[name])) {
			wrong = append(wrong, fmt.Sprintf("output %q should be %v, but is %v", name, want[name], have[name]))
		}
	}
	return wrong
}
