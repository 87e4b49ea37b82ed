package report_test

import (
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/report"
)

func TestReportTellsTimesAndTrippedGuards(t *testing.T) {
	r := record()
	if page, _ := render(t, report.RenderInput{Record: r}); strings.Contains(page, "Times and guards") {
		t.Error("a run without times and guards has a chapter of them")
	}
	r.Objectives = []activities.Objective{
		{Phase: "contain", Within: 300, Took: 115, Met: true, Status: activities.ObjectiveMet},
		{Phase: "preserve", Within: 1800, Status: activities.ObjectiveMissed, Why: "the run ended before the phase was through"},
	}
	r.Guards = []activities.GuardCheck{
		{Step: "cordon", Targets: []string{"node/n1"}, Nodes: "1 of 2"},
		{Step: "more", Targets: []string{"pod/shop/web-<b>2"}, Pods: "3 of 2", Tripped: []string{"maxTargets.pods"}, Why: "3 pods are more than the 2", ApprovedBy: "ann"},
		{Step: "most", Targets: []string{"pod/shop/web-3"}, Tripped: []string{"drill fence"}, Why: "not marked"},
	}
	page, _ := render(t, report.RenderInput{Record: r})
	for _, want := range []string{
		`<td class="chip">contain</td><td class="num">5m0s</td><td class="num">1m55s</td><td class="words">met</td>`,
		"missed: the run ended before the phase was through", "pod/shop/web-&lt;b&gt;2", "pods 3 of 2", "<td>ann</td>",
		"nobody: nothing was changed", "1 checks of the guards let everything through",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not hold %q", want)
		}
	}
}
