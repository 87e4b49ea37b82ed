package plan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const most = 4 << 10

func largeAlert() Alert {
	return Alert{
		ID: "1", Source: "falco", Rule: "Terminal shell", Time: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
		Summary: strings.Repeat("é", 3000), Target: Target{Namespace: "shop", Pod: "web-1"},
		Fields: map[string]any{
			"proc.cmdline": strings.Repeat("a", 100<<10), "proc.env": strings.Repeat("b", 50<<10),
			"evt.time": json.Number("1764068400000000001"), "proc.pid": json.Number("7"),
		},
	}
}

func TestASmallAlertStaysWhole(t *testing.T) {
	a := largeAlert()
	a.Summary, a.Fields = "a shell", map[string]any{"proc.name": "sh"}
	if diff := cmp.Diff(a, a.Bounded(most)); diff != "" {
		t.Fatal(diff)
	}
}

func TestALargeAlertLosesItsLargestFieldsAndSaysSo(t *testing.T) {
	a := largeAlert()
	got := a.Bounded(most)
	if n := size(t, got); n > most {
		t.Fatalf("%d bytes", n)
	}
	mark := "cut from 159941 to fit 4096 bytes; shortened: summary; left out: proc.cmdline (102402 bytes), proc.env (51202 bytes)"
	want := map[string]any{"evt.time": json.Number("1764068400000000001"), "proc.pid": json.Number("7"), CutMark: mark}
	if diff := cmp.Diff(want, got.Fields); diff != "" {
		t.Fatal(diff)
	}
	if !strings.HasPrefix(got.Summary, "éé") || !strings.HasSuffix(got.Summary, "é…") || got.Rule != a.Rule || got.Target != a.Target {
		t.Fatalf("%+v", got)
	}
	if len(a.Fields) != 4 || len(a.Summary) != 6000 {
		t.Fatal("the alert itself was changed")
	}
}

func TestASummaryIsKeptWhereTheFieldsAreWhatIsLarge(t *testing.T) {
	a := largeAlert()
	a.Summary = "a shell was spawned"
	if got := a.Bounded(most); got.Summary != a.Summary || strings.Contains(got.Fields[CutMark].(string), "summary") {
		t.Fatalf("%+v", got)
	}
}

// TestTheWorstAlertFits takes what the receiver lets through, in the letters that JSON writes longest.
func TestTheWorstAlertFits(t *testing.T) {
	name := strings.Repeat("\x01", 1000)
	a := Alert{
		ID: name, Source: name, Cluster: name, Rule: name, Priority: name, Summary: name,
		Target: Target{Namespace: name, Pod: name, Container: name, ContainerID: name, Image: name, Node: name, ProcessName: name, ProcessParent: name},
		Fields: map[string]any{},
	}
	for i := range 1000 {
		a.Fields[fmt.Sprint(i, name)] = "x"
		a.Tags = append(a.Tags, fmt.Sprint(i))
	}
	got := a.Bounded(most)
	if n := size(t, got); n > most {
		t.Fatalf("%d bytes: %+v", n, got)
	}
	if !strings.Contains(got.Fields[CutMark].(string), "and 992 more") {
		t.Fatalf("%+v", got.Fields)
	}
	for range 20 {
		if diff := cmp.Diff(got, a.Bounded(most)); diff != "" {
			t.Fatalf("not the same every time: %s", diff)
		}
	}
}

func size(t *testing.T, a Alert) int {
	t.Helper()
	raw, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return len(raw)
}
