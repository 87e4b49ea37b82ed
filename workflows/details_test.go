package workflows

import (
	"fmt"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

func TestAnAttackersTextIsNoMarkup(t *testing.T) {
	got := Markdown("a|b `c` <script> [x](https://evil.example) **d** _e_\n\x1b[31m\u202e")
	for _, bad := range []string{"<script", "](", "://", "\n", "\x1b", "\u202e", "`"} {
		if strings.Contains(got, bad) && !strings.Contains(got, "\\"+bad) {
			t.Errorf("%q is still in %q", bad, got)
		}
	}
	if long := Plain(strings.Repeat("é", 300), 99); len(long) > 99+len("…") || !strings.HasSuffix(long, "é…") {
		t.Errorf("cut in the middle of a letter: %q", long)
	}
}

func TestASummarySaysWhatTheStepIsAbout(t *testing.T) {
	pod := map[string]any{"namespace": "shop", "name": "web-7d9f", "uid": "1"}
	tests := map[string]struct {
		at    *frame
		input any
		want  string
	}{
		"a pod":          {&frame{}, map[string]any{"pod": pod}, "contain / isolate[0]/deny shop/web-7d9f"},
		"names":          {&frame{}, map[string]any{"namespace": "shop", "pod": "web"}, "contain / isolate[0]/deny shop/web"},
		"a node":         {&frame{}, map[string]any{"node": "ip-10-0-1-23", "labels": map[string]any{}}, "contain / isolate[0]/deny ip-10-0-1-23"},
		"the item":       {(&frame{}).item("isolate[0]/", "pod", pod), map[string]any{"text": "x"}, "contain / isolate[0]/deny shop/web-7d9f"},
		"nothing at all": {&frame{}, nil, "contain / isolate[0]/deny"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := summaryOf("contain", "isolate[0]/deny", label(test.at, test.input)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestThePageHoldsTheLastDecisions(t *testing.T) {
	c := &incident{}
	for i := range 3 * shownDecisions {
		c.State.Decided = append(c.State.Decided, activities.Decided{Step: fmt.Sprintf("each[%d]/ask", i), Choice: "contain", Automatic: true})
	}
	var page strings.Builder
	c.writeDecided(&page)
	text := page.String()
	if strings.Count(text, "each\\[") != shownDecisions || !strings.Contains(text, "The last 40 of 120 decisions") || !strings.Contains(text, "each\\[119\\]/ask") {
		t.Errorf("\n%.2000s", text)
	}
}

func TestThePageSaysWhoIsAskedAndHowToAnswer(t *testing.T) {
	long := strings.Repeat("x", 3*shownBytes)
	c := &incident{Carry: Carry{State: State{
		Record: activities.Record{Case: "test-1.1", Standing: []activities.Standing{{Step: "isolate[0]/deny", Summary: "isolated <b>", Why: "refused"}}, Decided: []activities.Decided{
			{Step: "a|b", About: "Contain?", Choice: "contain", By: "ann", Why: "not ours"},
			{Step: "late", About: "Evict?", Choice: "evict", Why: "auto-approved because alert.priority == 'Alert'", Automatic: true},
		}},
		Questions: []*Question{
			{Step: "triage", Title: "Contain <b>?", Choices: []string{"contain", "false-positive"}, Circles: []string{"ir-lead"}, Shown: map[string]any{"alert": "```\n# owned"},
				Of: []plan.Approver{{Name: "ir-lead", Groups: []string{"ir-leads"}, Subjects: []string{"max"}, Quorum: 2, NotRequester: true}}},
			{Step: "isolate[0]/guards", Title: "Let it through?", Choices: []string{"approve"}, Circles: []string{"ir-manager"}, Shown: long},
		},
		Holds: []HeldStep{{Path: "disks", Kind: "Forbidden", Error: "no", Advice: "grant it"}},
	}}}
	var page strings.Builder
	c.writeQuestions(&page)
	c.writeHolds(&page)
	c.writeDecided(&page)
	c.writeStanding(&page)
	for _, want := range []string{
		"**Still stands**: isolate\\[0\\]/deny: isolated &lt;b&gt;", "refused", "`firebreak undo test-1.1`",
		"**Asks at triage**: Contain &lt;b&gt;?", "Asked are ir-lead (ir-leads, max; 2 must agree; not whoever asked for it)", "to choose from: contain, false-positive.",
		"`firebreak approve test-1.1 triage --choice …`", "'''\\n# owned", "**Held at disks** (Forbidden): no", "`firebreak retry test-1.1 disks`",
		"**What was decided** (nobody proved who they are: the case knows no keys)",
		"| 0001-01-01 00:00:00Z | ann | a\\|b: Contain? | contain: not ours |",
		"| 0001-01-01 00:00:00Z | nobody: automatic | late: Evict? | evict: auto-approved because alert.priority == 'Alert' |",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("%q is not in\n%.3000s", want, page.String())
		}
	}
	if n := page.Len(); n > 2*shownBytes {
		t.Errorf("the page has %d bytes: what comes behind would be cut", n)
	}
}
