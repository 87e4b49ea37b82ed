package decisions_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/triggers/decisions"
)

func ann() decisions.Person {
	return decisions.Person{Subject: "ann@example.com", Groups: []string{"ir-leads"}}
}

func TestWhoeverProvesToBeSomebodyDecidesInTheirOwnName(t *testing.T) {
	w := newWorld(t)
	link := must(t)(decisions.Link("ann@example.com", "c.1", "triage[0]/ask", w.own, w.now))
	tests := []struct {
		name  string
		token string
		want  decisions.Person
	}{
		{"an ID token", w.idToken(nil, nil), decisions.Person{Subject: "bob@example.com", Groups: []string{"ir-leads", "staff"}}},
		{"one group as text", w.idToken(map[string]any{"roles": "ir-leads"}, nil), decisions.Person{Subject: "bob@example.com", Groups: []string{"ir-leads"}}},
		{"a token by her own key", must(t)(decisions.Token("ann@example.com", w.ann, w.now, time.Minute)), ann()},
		{"the token of her link", link, ann()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w.made = nil
			if got := w.decide(test.token, yes); got.status != http.StatusOK || len(w.made) != 1 {
				t.Fatalf("%d %s", got.status, got.text)
			}
			if d := cmp.Diff(test.want, w.made[0].by); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(decisions.Decision{Choice: "contain", Comment: "seen", Shown: "h1"}, w.made[0].how); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNobodyElseDecides(t *testing.T) {
	w := newWorld(t)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	soon, mine := w.now.Add(time.Minute).Unix(), must(t)
	times := map[string]any{"sub": "ann@example.com", "iat": w.now.Unix(), "exp": soon}
	with := func(more map[string]any) map[string]any {
		out := map[string]any{}
		for _, m := range []map[string]any{times, more} {
			for name, value := range m {
				out[name] = value
			}
		}
		return out
	}
	tests := []struct {
		name   string
		token  string
		status int
		says   string
	}{
		{"nobody", "", 401, "say who you are"},
		{"no token at all", "hello", 401, "ID token is no good"},
		{"an expired ID token", w.idToken(map[string]any{"exp": w.now.Add(-time.Minute).Unix()}, nil), 401, "expired"},
		{"an ID token for somebody else", w.idToken(map[string]any{"aud": "grafana"}, nil), 401, "audience"},
		{"an ID token of another issuer", w.idToken(map[string]any{"iss": "https://evil.example.com"}, nil), 401, "different provider"},
		{"an ID token under a stranger's key", w.idToken(nil, stranger), 401, "verify signature"},
		{"an address that nobody verified", w.idToken(map[string]any{"email_verified": false}, nil), 403, "has not verified"},
		{"an ID token without a name", w.idToken(map[string]any{"email": ""}, nil), 403, `no claim \"email\"`},
		{"a stranger signs as ann", mine(decisions.Token("ann@example.com", seeded('x'), w.now, time.Minute)), 401, "forged"},
		{"a person whom nobody knows", mine(decisions.Token("eve@example.com", seeded('x'), w.now, time.Minute)), 401, "forged"},
		{"her token, an hour later", mine(decisions.Token("ann@example.com", w.ann, w.now.Add(-2*time.Hour), time.Hour)), 401, "expired"},
		{"her token, from tomorrow", mine(decisions.Token("ann@example.com", w.ann, w.now.Add(24*time.Hour), time.Hour)), 401, "no good"},
		{"a token that holds for a year", sign(t, w.ann, with(map[string]any{"aud": "firebreak decisions", "exp": w.now.AddDate(1, 0, 0).Unix()})), 401, "at most 1h"},
		{"a token without an end", sign(t, w.ann, map[string]any{"aud": "firebreak decisions", "sub": "ann@example.com", "iat": w.now.Unix()}), 401, "at most 1h"},
		{"her key signs something else", sign(t, w.ann, with(map[string]any{"aud": "another service"})), 401, "no good"},
		{"for two audiences", sign(t, w.ann, with(map[string]any{"aud": []string{"firebreak decisions", "firebreak link"}})), 401, "no good"},
		{"she makes a link herself", sign(t, w.ann, with(map[string]any{"aud": "firebreak link", "case": "c.1", "step": "triage[0]/ask"})), 401, "forged"},
		{"the receiver's key makes no token of hers", mine(decisions.Token("ann@example.com", w.own, w.now, time.Minute)), 401, "forged"},
		{"a link for another step", mine(decisions.Link("ann@example.com", "c.1", "disks", w.own, w.now)), 403, "another step"},
		{"a link for another case", mine(decisions.Link("ann@example.com", "c.2", "triage[0]/ask", w.own, w.now)), 403, "another step"},
		{"a link of somebody who has left", mine(decisions.Link("old@example.com", "c.1", "triage[0]/ask", w.own, w.now)), 403, "none of the configured people"},
		{"an old link", mine(decisions.Link("ann@example.com", "c.1", "triage[0]/ask", w.own, w.now.Add(-5*time.Hour))), 401, "expired"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, got := range []reply{w.decide(test.token, yes), w.do(http.MethodGet, question, test.token, "", "")} {
				if got.status != test.status || !strings.Contains(got.text, test.says) {
					t.Errorf("%d %s", got.status, got.text)
				}
			}
		})
	}
	if len(w.made) > 0 {
		t.Fatalf("decided: %+v", w.made)
	}
}

// TestALinkThatIsOpenedDecidesNothing: scanners of mail and chats open every link, and send HEAD and OPTIONS as well.
func TestALinkThatIsOpenedDecidesNothing(t *testing.T) {
	w := newWorld(t)
	address := question + "?token=" + must(t)(decisions.Link("ann@example.com", "c.1", "triage[0]/ask", w.own, w.now))
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut} {
		w.do(method, address+"&choice=contain&shown=h1", "", "text/html", "")
	}
	if got := w.do(http.MethodPost, address, "", "application/json", yes); got.status != http.StatusUnauthorized {
		t.Errorf("a token in the address decided: %d", got.status)
	}
	if got := w.do(http.MethodPost, address+"&choice=contain&shown=h1", "", "application/x-www-form-urlencoded", ""); got.status != http.StatusUnauthorized {
		t.Errorf("an address decided: %d", got.status)
	}
	if len(w.made) > 0 {
		t.Fatalf("decided: %+v", w.made)
	}
}

func TestThePageDecidesByItsForm(t *testing.T) {
	w := newWorld(t)
	address := question + "?token=" + must(t)(decisions.Link("ann@example.com", "c.1", "triage[0]/ask", w.own, w.now))
	page := w.do(http.MethodGet, address, "", "text/html", "")
	if page.status != http.StatusOK || strings.Contains(page.text, "<script") || strings.Contains(page.text, "<img") || strings.Contains(page.text, "http") {
		t.Fatalf("%d\n%s", page.status, page.text)
	}
	for _, wanted := range []string{"Contain &lt;script&gt;", "&lt;/pre&gt;", `value="contain"`, `value="false-positive"`, "You decide as ann@example.com"} {
		if !strings.Contains(page.text, wanted) {
			t.Errorf("the page lacks %q:\n%s", wanted, page.text)
		}
	}
	if policy := page.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none';") || page.header.Get("Cache-Control") != "no-store" ||
		page.header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers %v", page.header)
	}
	form := url.Values{"choice": {"false-positive"}, "comment": {"ours"}}
	for _, field := range regexp.MustCompile(`type="hidden" name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(page.text, -1) {
		form.Set(field[1], field[2])
	}
	if got := w.submit(form); got.status != http.StatusOK || !strings.Contains(got.text, "Decided by ann@example.com") {
		t.Fatalf("%d\n%s", got.status, got.text)
	}
	if d := cmp.Diff(made{w.made[0].what, decisions.Decision{Choice: "false-positive", Comment: "ours", Shown: "h1"}, ann()}, w.made[0], cmp.AllowUnexported(made{})); d != "" {
		t.Fatal(d)
	}
}

// TestThePageOfAnIDTokenKeepsItsGroups: a proxy signs people in and sets the header; the form decides with the same groups.
func TestThePageOfAnIDTokenKeepsItsGroups(t *testing.T) {
	w := newWorld(t)
	page := w.do(http.MethodGet, question, w.idToken(nil, nil), "text/html", "")
	token := regexp.MustCompile(`name="token" value="([^"]*)"`).FindStringSubmatch(page.text)
	if token == nil {
		t.Fatal(page.text)
	}
	form := url.Values{"choice": {"contain"}, "shown": {"h1"}}
	if got := w.do(http.MethodPost, question, w.idToken(nil, nil), "application/x-www-form-urlencoded", form.Encode()); got.status != http.StatusUnauthorized {
		t.Fatalf("a form of another page decided: %d", got.status)
	}
	form.Set("token", token[1])
	if got := w.submit(form); got.status != http.StatusOK || len(w.made) != 1 {
		t.Fatalf("%d %s", got.status, got.text)
	}
	if d := cmp.Diff(decisions.Person{Subject: "bob@example.com", Groups: []string{"ir-leads", "staff"}}, w.made[0].by); d != "" {
		t.Fatal(d)
	}
	if got := w.do(http.MethodGet, question+"?token="+token[1], "", "text/html", ""); got.status != http.StatusUnauthorized {
		t.Fatalf("a form renews itself: %d", got.status)
	}
}

func TestWhatIsOpenInJSON(t *testing.T) {
	w := newWorld(t)
	got := w.do(http.MethodGet, question, w.idToken(nil, nil), "", "")
	var open decisions.Open
	if err := json.Unmarshal([]byte(got.text), &open); err != nil || open.Hash != "h1" || open.Kind != decisions.Approval || open.Step != "triage[0]/ask" {
		t.Fatalf("%s %v", got.text, err)
	}
}

func TestHeldStepsAndWholeCases(t *testing.T) {
	w := newWorld(t)
	token := w.idToken(nil, nil)
	for path, body := range map[string]string{
		"/cases/c.1/steps/disks": `{"action": "retry", "comment": "again", "set": {"region": "eu-1"}}`,
		"/cases/c.1":             `{"action": "abort", "comment": "false alarm"}`,
	} {
		if got := w.do(http.MethodPost, path, token, "application/json", body); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, got.status, got.text)
		}
	}
	if got := w.do(http.MethodPost, "/cases/c.1", token, "application/json", `{"action": "retry"}`); got.status != http.StatusConflict {
		t.Errorf("a whole case was retried: %d", got.status)
	}
	if len(w.made) != 2 {
		t.Fatalf("%+v", w.made)
	}
}

func TestBodiesThatAreNoDecision(t *testing.T) {
	w := newWorld(t)
	token := w.idToken(nil, nil)
	for body, status := range map[string]int{
		``: 400, `{`: 400, `[]`: 400, `{"choice": "contain"}`: 400, yes + yes: 400, `{"chioce": "contain", "shown": "h1"}`: 400,
		`{"choice": "contain", "action": "abort", "shown": "h1"}`:               400,
		`{"choice": "maybe", "shown": "h1"}`:                                    409,
		`{"choice": "contain", "shown": "h1", "set": {"a": 1}}`:                 400,
		`{"comment": "` + strings.Repeat("x", 2000) + `", "choice": "contain"}`: 400,
		`{"comment": "` + strings.Repeat("x", 70<<10) + `"}`:                    413,
	} {
		if got := w.decide(token, body); got.status != status {
			t.Errorf("%.60s: %d %s", body, got.status, got.text)
		}
	}
	if got := w.do(http.MethodPost, question, token, "text/plain", yes); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("text/plain: %d", got.status)
	}
	if len(w.made) > 0 {
		t.Fatalf("decided: %+v", w.made)
	}
}

func TestErrorsOfTheCases(t *testing.T) {
	for _, test := range []struct {
		err    error
		status int
		says   string
	}{
		{fmt.Errorf("%w: bob is none of those who are asked", decisions.ErrNotAllowed), 403, "bob is none"},
		{fmt.Errorf("%w: decided already", decisions.ErrRefused), 409, "decided already"},
		{fmt.Errorf("%w: no such case", decisions.ErrNotFound), 404, "no such case"},
		{fmt.Errorf("%w: dial tcp 10.0.0.7:7233", decisions.ErrUnavailable), 503, "try again"},
	} {
		w := newWorld(t)
		w.take = test.err
		got := w.decide(w.idToken(nil, nil), yes)
		if got.status != test.status || !strings.Contains(got.text, test.says) || strings.Contains(got.text, "10.0.0.7") {
			t.Errorf("%v: %d %s", test.err, got.status, got.text)
		}
		if (test.status == 503) != (got.header.Get("Retry-After") != "") {
			t.Errorf("%v: Retry-After %q", test.err, got.header.Get("Retry-After"))
		}
	}
}

// TestAnIssuerThatIsDownTurnsNobodyAway: the answer is 503, and the next one is asked again.
func TestAnIssuerThatIsDownTurnsNobodyAway(t *testing.T) {
	w := newWorld(t)
	w.down = true
	if got := w.decide(w.idToken(nil, nil), yes); got.status != http.StatusServiceUnavailable {
		t.Fatalf("%d %s", got.status, got.text)
	}
	if got := w.decide(must(t)(decisions.Token("ann@example.com", w.ann, w.now, time.Minute)), yes); got.status != http.StatusOK {
		t.Fatalf("keys need no issuer: %d", got.status)
	}
	w.down, w.now = false, w.now.Add(time.Minute)
	if got := w.decide(w.idToken(nil, nil), yes); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.text)
	}
}

func TestNothingOfATokenIsLogged(t *testing.T) {
	w := newWorld(t)
	token := must(t)(decisions.Link("ann@example.com", "c.1", "triage[0]/ask", w.own, w.now))
	w.do(http.MethodGet, question+"?token="+token, "", "text/html", "")
	w.do(http.MethodGet, "/cases/c.2/steps/x?token="+token, "", "", "")
	w.decide(token, yes)
	if log := w.log.String(); strings.Contains(log, token[len(token)-20:]) || !strings.Contains(log, "ann@example.com") {
		t.Fatal(log)
	}
}

func FuzzToken(f *testing.F) {
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.eyJhdWQiOiJmaXJlYnJlYWsgbGluayJ9.")
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, token string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, question+"?"+url.Values{"token": {token}}.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer := &recorder{header: http.Header{}}
		w.handler.ServeHTTP(answer, req)
		if answer.status != http.StatusUnauthorized {
			t.Fatalf("%q: %d", token, answer.status)
		}
	})
}

type recorder struct {
	header http.Header
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorder) WriteHeader(status int)      { r.status = status }
