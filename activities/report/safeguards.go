package report

import (
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// safeguards is how the phases did against their times, and what the guards stopped or were told to let through.
type safeguards struct {
	Times   []timed
	Tripped []tripped
	Passed  int // checks that let everything through
}

type timed struct{ Phase, Within, Took, Status, Why string }

type tripped struct{ Step, Rules, Targets, Numbers, Why, By string }

func safeguardsOf(r activities.Record) safeguards {
	var s safeguards
	for _, o := range r.Objectives {
		one := timed{Phase: o.Phase, Within: lasted(o.Within), Status: o.Status, Why: o.Why}
		if o.Took > 0 {
			one.Took = lasted(o.Took)
		}
		s.Times = append(s.Times, one)
	}
	for _, g := range r.Guards {
		if len(g.Tripped) == 0 {
			s.Passed++
			continue
		}
		s.Tripped = append(s.Tripped, tripped{
			Step: g.Step, Rules: strings.Join(g.Tripped, ", "), Targets: strings.Join(g.Targets, ", "), Numbers: numbersOf(g), Why: g.Why, By: g.ApprovedBy,
		})
	}
	return s
}

func numbersOf(g activities.GuardCheck) string {
	var words []string
	for _, n := range []field{{"pods", g.Pods}, {"nodes", g.Nodes}, {"runs", g.Runs}, {"lock", g.Lock}} {
		if n.Value != "" {
			words = append(words, n.Name+" "+n.Value)
		}
	}
	return strings.Join(words, ", ")
}

func lasted(n float64) string {
	return took(time.Unix(0, 0), time.Unix(0, int64(n*float64(time.Second))))
}
