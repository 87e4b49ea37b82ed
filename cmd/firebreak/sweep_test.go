package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

func TestASweepAdvisesForEachCase(t *testing.T) {
	pod := func(name, mark, id, standing string) workflows.Orphan {
		return workflows.Orphan{Isolated: workflows.Isolated{Kind: "Pod", Namespace: "shop", Name: name, Mark: mark, Case: id}, Standing: standing}
	}
	node := workflows.Orphan{Isolated: workflows.Isolated{Kind: "Node", Name: "n1\x1b[2J", Mark: "cordoned"}, Standing: cases.CaseUnknown}
	for name, test := range map[string]struct {
		result workflows.SweepResult
		want   string
		code   int
	}{
		"nothing": {workflows.SweepResult{Cluster: "lab", Found: 2}, "lab: nothing that belongs to no open case (2 changes of open cases stand)\n", exitOK},
		"orphans": {workflows.SweepResult{Cluster: "lab", Found: 260, More: 10, Orphans: []workflows.Orphan{
			pod("web-0", "isolated", "a.1", cases.CaseClosed), pod("web-1", "isolated", "gone.2", cases.CaseUnknown), pod("q", "policy", "a.1", cases.CaseClosed), node,
		}}, `lab: 4 of 260 changes belong to no open case
10 more were not looked at: undo what is listed, then sweep again

case a.1 has ended: firebreak undo a.1
  Pod shop/web-0  isolated
  Pod shop/q  policy

case gone.2 is not known to Temporal any more: take its changes back by hand, by what its evidence says
  Pod shop/web-1  isolated

of no case that its mark names: look at who made it, and take it back by hand
  Node n1\x1b[2J  cordoned
`, exitWrong},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			a := &app{system: system{stdout: &out}}
			code := exitOK
			var f *fault
			if err := a.swept(test.result, output{form: "text"}); errors.As(err, &f) {
				code = f.code
			}
			if code != test.code {
				t.Errorf("it ends with %d, want %d", code, test.code)
			}
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestATrendIsOneLine(t *testing.T) {
	for want, trend := range map[string]cases.Trend{
		"p on lab: contain within 5m0s: 2m10s → 1m55s → 3.5s; met 2 of 3": {Playbook: "p", Cluster: "lab", Phase: "contain", Within: 300, Took: []float64{130, 115, 3.5}, Met: 2, Missed: 1},
		"p on lab: contain within 5m0s: never through; met 0 of 1":        {Playbook: "p", Cluster: "lab", Phase: "contain", Within: 300, Missed: 1},
	} {
		if got := trendLine(trend); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
