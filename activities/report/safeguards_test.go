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

func TestReportNamesWhatARollbackLeft(t *testing.T) {
	r := record()
	r.Outcome = "partly rolled back"
	r.Standing = []activities.Standing{{Step: "isolate[0]/deny", Activity: "kube.isolate_pod", Summary: "isolated <b>shop/web-1", Why: "pods is forbidden"}}
	for name, want := range map[string][]string{
		report.Name:         {"<h2>What still stands</h2>", `<td class="mono">isolate[0]/deny</td><td class="words">isolated &lt;b&gt;shop/web-1</td>`, "pods is forbidden", `class="badge partly rolled back"`},
		report.MarkdownName: {"**partly rolled back**", "\n\n## What still stands\n\n- `isolate[0]/deny`: `isolated <b>shop/web-1`. It could not be taken back: `pods is forbidden`\n\n## What was found\n"},
	} {
		page, _ := renderAs(t, report.RenderInput{Record: r, Formats: []string{"html", "markdown"}}, name)
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("%s does not hold %q:\n%s", name, text, page)
			}
		}
	}
}
