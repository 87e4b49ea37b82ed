package ebsfront

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestFaultsStrikeWhereAndWhenOrdered(t *testing.T) {
	var f faults
	three := int32(3)
	for _, fault := range []Fault{
		{Action: "GetSnapshotBlock", Kind: Corrupt, Block: &three, Count: -1},
		{Action: "CreateSnapshots", Kind: Throttle, Resource: "i-1", Count: 2, After: 1},
	} {
		if _, err := f.add(fault); err != nil {
			t.Fatal(err)
		}
	}
	var struck []int
	for range 5 {
		struck = append(struck, len(f.strike("CreateSnapshots", []string{"AKIA", "i-1"}, nil)))
	}
	if want := []int{0, 1, 1, 0, 0}; !equal(struck, want) {
		t.Errorf("after 1, twice: want %v, got %v", want, struck)
	}
	other := int32(4)
	if len(f.strike("GetSnapshotBlock", nil, &other)) != 0 || len(f.strike("GetSnapshotBlock", nil, &three)) != 1 {
		t.Error("a fault for block 3 must strike block 3 alone")
	}
	if len(f.strike("CreateSnapshots", []string{"i-2"}, nil)) != 0 {
		t.Error("a fault for one instance struck another")
	}
	f.clear("i-1")
	if len(f.all()) != 1 {
		t.Errorf("clearing one resource left %d faults", len(f.all()))
	}
}

func equal(a, b []int) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestBadFaultsAreRefused(t *testing.T) {
	front, err := New(Config{Upstream: "http://127.0.0.1:1", State: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`{}`, `{"action":"X","kind":"explode"}`, `{"action":"X","kind":"throttle","cuont":2}`, `not JSON`} {
		w := httptest.NewRecorder()
		front.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/_lab/faults", strings.NewReader(body)))
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s was accepted: %d", body, w.Code)
		}
	}
}

func FuzzParseCall(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host", "Action=CreateSnapshots&TagSpecification.1.ResourceType=snapshot&Filter.1.Name=status&Filter.1.Value.1=pending")
	f.Add("Credential=", "%zz")
	f.Fuzz(func(t *testing.T, authorization, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		c, err := parseCall(r)
		if err != nil {
			return
		}
		rest, _ := withoutStatus(c.form)
		if len(rest) > len(c.form) {
			t.Errorf("the form grew from %v to %v", c.form, rest)
		}
	})
}

func FuzzOpenToken(f *testing.F) {
	signer := tokens{[]byte("secret")}
	now := time.Unix(1_800_000_000, 0)
	f.Add(signer.sign("block", "snap-1", 7, now))
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		number, ok := signer.open("block", "snap-1", token, now)
		if ok && number != 7 {
			t.Errorf("forged: %q gives %d", token, number)
		}
	})
}

func TestResourcesNameIDsAndTagValues(t *testing.T) {
	got := resourcesOf(url.Values{"Action": {"X"}, "SnapshotId.1": {"snap-1"}, "DryRun": {"true"}})
	if len(got) != 1 || got[0] != "snap-1" {
		t.Errorf("got %v", got)
	}
}

// TestLimit admits a tenth of a second's requests at once and after that as many as the time brings.
func TestLimit(t *testing.T) {
	l := limits{of: map[string]*bucket{}}
	now := time.Unix(1_800_000_000, 0)
	if err := l.set(Limit{Snapshot: "snap-1", PerSecond: 1000, Least: 5, Most: 20}, now); err != nil {
		t.Fatal(err)
	}
	admitted := func() (n int) {
		for range 500 {
			after, ok := l.take("snap-1", now)
			if !ok {
				continue
			}
			if n++; after < 5*time.Millisecond || after > 20*time.Millisecond {
				t.Errorf("an answer after %s", after)
			}
		}
		return n
	}
	if n := admitted(); n != 100 {
		t.Errorf("%d requests at once, want 100", n)
	}
	now = now.Add(30 * time.Millisecond)
	if n := admitted(); n != 30 {
		t.Errorf("%d requests after 30 ms, want 30", n)
	}
	if _, ok := l.take("snap-2", now); !ok {
		t.Error("a snapshot without a limit was throttled")
	}
	if err := l.set(Limit{Snapshot: "snap-1", Least: 5}, now); err == nil {
		t.Error("a limit whose answers come no later than before they come was taken")
	}
}
