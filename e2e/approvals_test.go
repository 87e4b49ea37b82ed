package e2e

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/workflows"
)

// asks is a playbook that asks three times: each question is answered in another way.
const asks = `apiVersion: firebreak/v1
kind: Playbook
metadata: {name: asks, version: 1.0.0}
triggers: [{id: shell, falco: {rules: [Terminal shell in container]}}]
dedup: {key: alert.target.pod}
approvers: {ir-lead: {groups: [ir-leads]}}
steps:
  - id: by_key
    phase: coordinate
    approve: {title: "Contain ${{ alert.target.pod }}?", from: ir-lead, show: [alert.rule]}
  - id: by_link
    phase: coordinate
    approve: {title: "Evict ${{ alert.target.pod }}?", from: ir-lead, show: [alert.summary]}
  - id: by_token
    phase: coordinate
    approve: {title: "Close it?", from: ir-lead, choices: [close, keep]}
outputs:
  first: "${{ steps.by_key.output.choice }} ${{ steps.by_key.output.by }}"
  second: "${{ steps.by_link.output.choice }} ${{ steps.by_link.output.by }}"
  third: "${{ steps.by_token.output.choice }} ${{ steps.by_token.output.by }}"
`

// TestApprovals answers a case with a key, by a link and with an ID token; outsiders and opened links decide nothing.
func TestApprovals(t *testing.T) {
	o := newOffice(t)
	o.receiver()
	o.worker()
	id := o.accepted(o.alertOf(map[string]any{"k8s.ns.name": "shop", "k8s.pod.name": "web-1"})).Case

	o.asked(id, "by_key")
	if out := o.firebreak(1, "approve", id, "by_key"); !strings.Contains(out, "takes signed ones alone") || !strings.Contains(out, "--key FILE") {
		t.Errorf("unsigned: %s", out)
	}
	if out := o.firebreak(1, "approve", id, "by_key", "--key", "eve.key"); !strings.Contains(out, "eve@example.com is none of those who are asked") {
		t.Errorf("an outsider: %s", out)
	}
	o.firebreak(0, "approve", id, "by_key", "--key", "ann.key", "--comment", "not ours")

	o.asked(id, "by_link")
	o.byLink(id)

	o.asked(id, "by_token")
	o.byToken(id)

	s := o.finished(id)
	want := map[string]any{"first": "approve ann@example.com", "second": "reject bob@example.com", "third": "close max@example.com"}
	for name, value := range want {
		if s.Outputs[name] != value {
			t.Errorf("output %s is %q, want %q", name, s.Outputs[name], value)
		}
	}
	for _, d := range s.Decided {
		if d.Nonce == "" || strings.Contains(d.By, "not authenticated") {
			t.Errorf("a decision without a proof: %+v", d)
		}
	}
}

func (o *office) asked(id, step string) {
	o.t.Helper()
	o.until(id, "the question at "+step, func(s workflows.State) bool { return len(s.Questions) == 1 && s.Questions[0].Step == step })
}

// byLink opens the link as a scanner does, which decides nothing, and then as bob, who refuses.
func (o *office) byLink(id string) {
	o.t.Helper()
	eventually(o.t, "bob's link", func() bool { return o.mail.link("by_link", "bob@example.com") != "" })
	if link := o.mail.link("by_link", "eve@example.com"); link != "" {
		o.t.Errorf("eve is not asked, and has a link: %s", link)
	}
	link := o.mail.link("by_link", "bob@example.com")
	status, page := o.browse(http.MethodGet, link, nil)
	if status != http.StatusOK || !strings.Contains(page, "You decide as bob@example.com") || strings.Contains(page, "</script>") {
		o.t.Fatalf("%d\n%s", status, page)
	}
	if s, err := o.state(id); err != nil || len(s.Questions) != 1 || s.Questions[0].Step != "by_link" || len(s.Questions[0].Votes) > 0 {
		o.t.Fatalf("an opened link decided: %+v %v", s.Questions, err)
	}
	form := url.Values{"choice": {"reject"}, "comment": {"the node is needed"}}
	for _, field := range regexp.MustCompile(`type="hidden" name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		form.Set(field[1], field[2])
	}
	forged := url.Values{"choice": {"approve"}, "shown": {form.Get("shown")}, "token": {form.Get("token") + "x"}}
	if status, _ := o.browse(http.MethodPost, link, forged); status != http.StatusUnauthorized {
		o.t.Errorf("a forged form: %d", status)
	}
	if status, page = o.browse(http.MethodPost, link, form); status != http.StatusOK || !strings.Contains(page, "Decided by bob@example.com") {
		o.t.Fatalf("%d\n%s", status, page)
	}
	if status, _ = o.browse(http.MethodPost, link, form); status != http.StatusNotFound {
		o.t.Errorf("the form again: %d", status)
	}
}

// byToken decides over the receiver with ID tokens: of an outsider, then of somebody whom only the issuer knows.
func (o *office) byToken(id string) {
	o.t.Helper()
	kubetest.Must(o.t, os.WriteFile(filepath.Join(o.Dir, "outsider"), []byte(o.idToken("mallory@example.com", "sales")), 0o600))
	kubetest.Must(o.t, os.WriteFile(filepath.Join(o.Dir, "insider"), []byte(o.idToken("max@example.com", "staff", "ir-leads")), 0o600))
	over := []string{"approve", id, "by_token", "--receiver", "http://" + o.Address, "--token"}
	if out := o.firebreak(1, append(over, "file:outsider")...); !strings.Contains(out, "403: not allowed: mallory@example.com is none of those who are asked") {
		o.t.Errorf("an outsider: %s", out)
	}
	o.firebreak(0, append(over, "file:insider")...)
}

// browse does what a browser does, and says nothing of where it comes from.
func (o *office) browse(method, address string, form url.Values) (int, string) {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), method, address, strings.NewReader(form.Encode()))
	kubetest.Must(o.t, err)
	req.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(req)
	kubetest.Must(o.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	kubetest.Must(o.t, err)
	return resp.StatusCode, string(text)
}
