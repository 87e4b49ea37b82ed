package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/notify"
)

// hook is a target that keeps what it gets and answers as the test says.
type hook struct {
	*httptest.Server

	mu      sync.Mutex
	answers []int // by request; 200 when they run out
	got     []string
	keys    []string
}

func newHook(t *testing.T, answers ...int) *hook {
	t.Helper()
	h := &hook{answers: answers}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		raw, _ := io.ReadAll(req.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.got, h.keys = append(h.got, string(raw)), append(h.keys, req.Header.Get("Idempotency-Key"))
		if len(h.answers) > 0 {
			code := h.answers[0]
			h.answers = h.answers[1:]
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, "no such hook "+req.URL.Path)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// secret is part of each address: whoever knows it can write there.
const secret = "/services/T0/planted-5e1c0f"

func (h *hook) target(kind string, change ...func(*notify.Target)) notify.Target {
	t := notify.Target{Kind: kind, Address: func() (string, error) { return h.URL + secret, nil }}
	for _, c := range change {
		c(&t)
	}
	return t
}

func call() activities.Call {
	return activities.Call{Case: "test-1.1", Step: "tell/1", Key: "test-1.1/tell/1"}
}

func send(ctx context.Context, t *testing.T, targets notify.Targets, in notify.SendInput) (notify.SendOutput, error) {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out notify.SendOutput
	got, err := notify.Send(targets).Run(ctx, call(), raw)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(got, &out)
}

func asks() notify.SendInput {
	return notify.SendInput{
		Title: "pod-compromise asks: Contain web-1?", Text: "ir-lead is asked", Severity: "Critical", Cluster: "lab", About: "isolate[0]/triage",
		To: notify.Audience{Circles: []string{"ir-lead"}, Groups: []string{"ir-leads"}},
	}
}

func TestAWebhookGetsEverythingAndItsPersonALink(t *testing.T) {
	channel, own, mailer, other := newHook(t), newHook(t), newHook(t), newHook(t)
	ann, eve := notify.Person{Subject: "ann", Groups: []string{"ir-leads"}}, notify.Person{Subject: "eve", Groups: []string{"sales"}}
	targets := notify.Targets{
		List: []notify.Target{
			channel.target(notify.Webhook),
			own.target(notify.Webhook, func(t *notify.Target) { t.Person = &ann }),
			other.target(notify.Webhook, func(t *notify.Target) { t.Person = &eve }),
			mailer.target(notify.Webhook, func(t *notify.Target) { t.Links = true }),
			other.target(notify.Webhook, func(t *notify.Target) { t.Circles = []string{"ir-manager"} }),
		},
		People: []notify.Person{ann, eve},
		Page:   func(of, step string) string { return "https://fb.example.com/" + of + "/" + step },
		Link: func(of, step string, p notify.Person) (string, error) {
			return "https://fb.example.com/" + of + "/" + step + "?token=of-" + p.Subject, nil
		},
	}
	out, err := send(t.Context(), t, targets, asks())
	if err != nil || out.Status != activities.Done || out.Sent != 3 || !strings.Contains(out.Summary, "told 3 of 3 targets") {
		t.Fatalf("%+v, %v", out, err)
	}
	common := `{"key":"test-1.1/tell/1","case":"test-1.1","cluster":"lab","step":"isolate[0]/triage","title":"pod-compromise asks: Contain web-1?",` +
		`"text":"ir-lead is asked","severity":"Critical","for":["ir-lead","ir-leads"],"page":"https://fb.example.com/test-1.1/isolate[0]/triage"`
	for _, one := range []struct {
		at   *hook
		want []string
	}{
		{channel, []string{common + "}"}},
		{own, []string{common + `,"link":"https://fb.example.com/test-1.1/isolate[0]/triage?token=of-ann"}`}},
		{mailer, []string{common + `,"links":[{"person":"ann","url":"https://fb.example.com/test-1.1/isolate[0]/triage?token=of-ann"}]}`}},
		{other, nil},
	} {
		if diff := cmp.Diff(one.want, one.at.got); diff != "" {
			t.Error(diff)
		}
	}
	if channel.keys[0] != call().Key {
		t.Errorf("the key is %q", channel.keys[0])
	}
}

func TestSlackGetsTextThatCommandsNothing(t *testing.T) {
	h := newHook(t)
	in := asks()
	in.Title, in.Text = "<!channel> *Contain* https://evil.example.com?", "line\nbreak & `code` @here"
	in.Links = []notify.Link{{Title: "The <case>", URL: "https://ui.example.com/x"}, {URL: "javascript:alert(1)"}, {URL: "https://a|b>"}}
	targets := notify.Targets{List: []notify.Target{h.target(notify.Slack)}, Page: func(string, string) string { return "https://fb.example.com/page" }}
	if _, err := send(t.Context(), t, targets, in); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Text   string `json:"text"`
		Unfurl bool   `json:"unfurl_links"`
	}
	if err := json.Unmarshal([]byte(h.got[0]), &got); err != nil || got.Unfurl {
		t.Fatal(err, h.got[0])
	}
	want := "*&lt;!channel&gt; ∗Contain∗ https:\u200b//evil.example.com?*\nline break &amp; 'code' @\u200bhere\n" +
		"case test-1.1, step isolate[0]/triage, cluster lab, severity Critical\n<https://fb.example.com/page|Look and decide>\n" +
		"<https://ui.example.com/x|The &lt;case&gt;>"
	if diff := cmp.Diff(want, got.Text); diff != "" {
		t.Fatal(diff)
	}
}

func TestAMessageOfNoCaseNamesNone(t *testing.T) {
	h := newHook(t)
	raw, err := json.Marshal(notify.SendInput{Title: "2 changes on lab belong to no open case", Cluster: "lab"})
	if err != nil {
		t.Fatal(err)
	}
	targets := notify.Targets{List: []notify.Target{h.target(notify.Slack)}, Page: func(string, string) string { return "https://fb.example.com/page" }}
	if _, err := notify.Send(targets).Run(t.Context(), activities.Call{Step: "tell", Key: "run/tell"}, raw); err != nil {
		t.Fatal(err)
	}
	if want := `"text":"*2 changes on lab belong to no open case*\ncluster lab"`; len(h.got) != 1 || !strings.Contains(h.got[0], want) {
		t.Fatal(h.got)
	}
}

func TestWithoutATargetNobodyIsToldAndItIsSaid(t *testing.T) {
	h := newHook(t)
	only := func(t *notify.Target) { t.Circles = []string{"ir-manager"} }
	for why, targets := range map[string]notify.Targets{
		"no notification target configured":                           {},
		"no notification target takes messages for ir-lead, ir-leads": {List: []notify.Target{h.target(notify.Webhook, only)}},
	} {
		out, err := send(t.Context(), t, targets, asks())
		if err != nil || out.Status != activities.Skipped || out.Summary != why {
			t.Errorf("%+v, %v", out, err)
		}
	}
	if len(h.got) != 0 {
		t.Error(h.got)
	}
}

func TestWhatIsForEverybodyReachesEveryTarget(t *testing.T) {
	h := newHook(t)
	ann := notify.Person{Subject: "ann"}
	targets := notify.Targets{List: []notify.Target{
		h.target(notify.Webhook, func(t *notify.Target) { t.Circles = []string{"ir-manager"} }),
		h.target(notify.Webhook, func(t *notify.Target) { t.Person = &ann }),
	}}
	out, err := send(t.Context(), t, targets, notify.SendInput{Title: "test is held"})
	if err != nil || out.Sent != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
}

// memory keeps progress from one attempt to the next, as heartbeats do.
type memory struct {
	last  activities.Progress
	known bool
}

func (m *memory) Report(p activities.Progress)                { m.last, m.known = p, true }
func (m *memory) Last() (activities.Progress, bool)           { return m.last, m.known }
func (m *memory) attempt(ctx context.Context) context.Context { return activities.WithReporter(ctx, m) }

func TestALaterAttemptTellsOnlyThoseWhoWereNotTold(t *testing.T) {
	good, slow := newHook(t), newHook(t, http.StatusServiceUnavailable)
	targets := notify.Targets{List: []notify.Target{good.target(notify.Webhook), slow.target(notify.Webhook)}}
	var kept memory
	if _, err := send(kept.attempt(t.Context()), t, targets, asks()); err == nil || !strings.Contains(err.Error(), "notify[1]: it answers 503") {
		t.Fatal(err)
	}
	out, err := send(kept.attempt(t.Context()), t, targets, asks())
	if err != nil || out.Sent != 2 || len(good.got) != 1 || len(slow.got) != 2 {
		t.Fatalf("%+v, %v, %d, %d", out, err, len(good.got), len(slow.got))
	}
}

func TestWhatATargetSays(t *testing.T) {
	tests := []struct {
		code  int
		kind  activities.Kind
		wait  bool
		wrong string
	}{
		{http.StatusOK, "", false, ""},
		{http.StatusNotFound, activities.Unsupported, false, "it answers 404 Not Found"},
		{http.StatusForbidden, activities.Unsupported, false, "renew the address"},
		{http.StatusFound, activities.Unsupported, false, "it answers 302 Found"}, // followed nowhere
		{http.StatusTooManyRequests, "", true, "it answers 429"},
		{http.StatusBadGateway, "", false, "it answers 502"},
	}
	for _, test := range tests {
		t.Run(http.StatusText(test.code), func(t *testing.T) {
			h := newHook(t, test.code)
			_, err := send(t.Context(), t, notify.Targets{List: []notify.Target{h.target(notify.Webhook)}}, asks())
			kind, _ := activities.KindOf(err)
			var throttled *activities.ThrottledError
			if (err == nil) != (test.wrong == "") || kind != test.kind || errors.As(err, &throttled) != test.wait || len(h.got) != 1 {
				t.Fatalf("%v, %d requests", err, len(h.got))
			}
			if err != nil && (!strings.Contains(err.Error(), test.wrong) || strings.Contains(err.Error(), "planted")) {
				t.Fatal(err)
			}
		})
	}
}

func TestAnErrorNeverTellsTheAddress(t *testing.T) {
	gone := newHook(t)
	address := gone.URL + secret
	gone.Close()
	for name, at := range map[string]string{"down": address, "no address": "http://[" + secret, "no scheme": "planted" + secret} {
		targets := notify.Targets{List: []notify.Target{{Kind: notify.Webhook, Address: func() (string, error) { return at, nil }}}}
		_, err := send(t.Context(), t, targets, asks())
		if err == nil || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestADeadTargetDoesNotCostTheOthers(t *testing.T) {
	dead, good := newHook(t, http.StatusGone), newHook(t)
	out, err := send(t.Context(), t, notify.Targets{List: []notify.Target{dead.target(notify.Webhook), good.target(notify.Slack)}}, asks())
	if err != nil || out.Sent != 1 || out.Failed != 1 || !strings.Contains(out.Summary, "told 1 of 2 targets") || !strings.Contains(out.Summary, "notify[0]: it answers 410") {
		t.Fatalf("%+v, %v", out, err)
	}
}
