package rehearse

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/scenario"
	"github.com/firebreak-ir/firebreak/workflows"
)

// standard is how long an activity takes where no mock says: long enough to tell what came before what.
const standard = time.Second

// activities makes every activity of the catalog answer as the mocks say, and as one that found nothing otherwise.
func (s *stage) activities() {
	for _, d := range s.given.Catalog.All() {
		s.RegisterActivityWithOptions(unanswered, activity.RegisterOptions{Name: d.Name})
		if d.Undo != nil {
			s.RegisterActivityWithOptions(undone, activity.RegisterOptions{Name: workflows.UndoActivity(d.Name)})
		}
	}
	s.named()
	for _, d := range s.given.Catalog.All() {
		for _, m := range s.test.Mocks {
			if m.Activity == d.Name || m.Activity == "" {
				s.mock(d, m)
			}
		}
		s.mock(d, scenario.Mock{Activity: d.Name})
		if d.Undo != nil {
			name := d.Name
			s.OnActivity(workflows.UndoActivity(name), mock.Anything, mock.Anything).After(standard).
				Return(func(_ context.Context, in workflows.UndoActivityInput) error {
					s.ranCall(Call{Activity: name, Step: in.Call.Step, Undo: true})
					return nil
				})
		}
	}
	s.engine()
}

func unanswered(context.Context, workflows.ActivityInput) (json.RawMessage, error) { return nil, nil }

func undone(context.Context, workflows.UndoActivityInput) error { return nil }

// mock answers the calls that one mock is about.
func (s *stage) mock(d activities.Definition, m scenario.Mock) {
	takes := m.Takes
	if takes == 0 {
		takes = standard
	}
	matches := func(in workflows.ActivityInput) bool {
		return meant(m.Step, in.Call.Step) && !s.usedUp(m, in.Call.Step)
	}
	s.OnActivity(d.Name, mock.Anything, mock.MatchedBy(matches)).After(takes).
		Return(func(_ context.Context, in workflows.ActivityInput) (json.RawMessage, error) {
			s.ranCall(Call{Activity: d.Name, Step: in.Call.Step})
			if m.Fails != nil {
				s.tried(m, in.Call.Step)
				return nil, failing(m.Fails)
			}
			return s.output(d, m, in)
		})
}

// meant tells whether a mock's step is that path; [*] stands for any item, and no step for every one.
func meant(step, path string) bool {
	if step == "" || step == path {
		return true
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(step), `\[\*\]`, `\[\d+\]`)
	return regexp.MustCompile("^" + pattern + "$").MatchString(path)
}

func (s *stage) trial(m scenario.Mock, path string) string {
	return fmt.Sprint(m.Pos.Line, ":", m.Pos.Column, " ", path)
}

func (s *stage) usedUp(m scenario.Mock, path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return m.Fails != nil && m.Fails.Times > 0 && s.tries[s.trial(m, path)] >= m.Fails.Times
}

func (s *stage) tried(m scenario.Mock, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries[s.trial(m, path)]++
}

func (s *stage) ranCall(call Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ran = append(s.ran, call)
}

// calls gives those so far: where a run waits for a person, some may still be on their way.
func (s *stage) calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ran)
}

func failing(f *scenario.Failure) error {
	text := f.Message
	if text == "" {
		text = "the test lets it fail"
	}
	return temporal.NewApplicationErrorWithOptions(text, f.Kind, temporal.ApplicationErrorOptions{
		Details: []any{workflows.FailureDetails{Cause: text}},
	})
}

func (s *stage) output(d activities.Definition, m scenario.Mock, in workflows.ActivityInput) (json.RawMessage, error) {
	out, err := activities.TypeOf(d.Out)
	if err != nil {
		return nil, err
	}
	if m.Output == nil && d.Name == workflows.DescribeTargets {
		return s.described(in.Input)
	}
	return json.Marshal(scenario.Filled(m.Output, out))
}
