package falco

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

var update = flag.Bool("update", false, "rewrite the expected results")

func TestDecode(t *testing.T) {
	for _, name := range files(t, "testdata/ok/*.json") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			a, err := Decode(open(t, name))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(a, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(name, ".json")+".out", string(got)+"\n")
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, name := range files(t, "testdata/err/*.json") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			_, err := Decode(open(t, name))
			var malformed *MalformedError
			if !errors.As(err, &malformed) {
				t.Fatalf("got %v, want a MalformedError", err)
			}
			golden(t, strings.TrimSuffix(name, ".json")+".out", err.Error()+"\n")
		})
	}
}

func TestDecodeIsBounded(t *testing.T) {
	_, err := Decode(strings.NewReader(`{"output":"` + strings.Repeat("a", MaxBytes) + `"}`))
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("too many bytes: got %v", err)
	}
	many := map[string]any{}
	for i := range maxFields + 1 {
		many[string(rune('a'+i%26))+strings.Repeat("x", i/26)] = i
	}
	tags := make([]string, maxTags+1)
	raw, err := json.Marshal(map[string]any{"rule": strings.Repeat("r", maxName+1), "priority": "Notice",
		"time": "2026-11-22T09:14:02Z", "output_fields": many, "tags": tags})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Decode(strings.NewReader(string(raw)))
	if err == nil || strings.Count(err.Error(), "at most") != 3 {
		t.Errorf("got %v, want a complaint about rule, fields and tags each", err)
	}
}

func TestDecodeGivesReadErrorsThrough(t *testing.T) {
	cause := errors.New("connection reset")
	_, err := Decode(iotest.ErrReader(cause))
	var malformed *MalformedError
	if !errors.Is(err, cause) || errors.As(err, &malformed) {
		t.Errorf("got %v, want the reader's own error", err)
	}
}

func TestIsTest(t *testing.T) {
	a, err := Decode(open(t, "testdata/ok/connection-test.json"))
	if err != nil || !IsTest(a) {
		t.Errorf("falcosidekick's test event is not recognised: %v", err)
	}
	if IsTest(plan.Alert{Rule: "Terminal shell in container"}) {
		t.Error("a real alert passes for a test")
	}
	for _, about := range []plan.Target{{Pod: "web-1"}, {ContainerID: "c1"}} {
		if IsTest(plan.Alert{Rule: TestRule, Target: about}) {
			t.Errorf("an alert about %+v passes for a test: a rule of that name would start nothing", about)
		}
	}
}

// FuzzDecode: no input makes Decode panic, everything refused is typed, and what is taken comes through JSON unchanged.
func FuzzDecode(f *testing.F) {
	for _, pattern := range []string{"testdata/ok/*.json", "testdata/err/*.json"} {
		for _, name := range files(f, pattern) {
			raw, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(raw))
		}
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := Decode(strings.NewReader(raw))
		if err != nil {
			var malformed *MalformedError
			if !errors.As(err, &malformed) {
				t.Fatalf("untyped: %v", err)
			}
			return
		}
		if a.Rule == "" || a.Priority == "" {
			t.Fatalf("taken without rule or priority: %+v", a)
		}
		if once, twice := through(t, a), through(t, through(t, a)); !reflect.DeepEqual(once, twice) {
			t.Fatal(cmp.Diff(once, twice))
		}
	})
}

func through(t *testing.T, a plan.Alert) plan.Alert {
	t.Helper()
	raw, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var out plan.Alert
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func files(t testing.TB, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no files %q: %v", pattern, err)
	}
	return names
}

func open(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
