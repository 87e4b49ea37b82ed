package drift_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/drift"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestLines holds the lines of drift.jsonl against a file, without the times that the test itself took.
func TestLines(t *testing.T) {
	t.Parallel()
	n := makeNode(t, "redirect_dir=on,metacopy=on", renames)
	of := &drift.Attribution{Runtime: "containerd", Container: "0123", Name: "web", Image: "example.org/web:1", Pod: "web-0", PodUID: "u", Namespace: "shop", ServiceAccount: "default", Node: "node-1"}
	changes, _ := compare(t, n.layers, drift.Options{Of: of})
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	for _, ch := range changes {
		if ch.At.IsZero() {
			t.Errorf("%q: nothing says when", ch.Path)
		}
		ch.At = time.Time{}
		for _, s := range []*drift.State{ch.Old, ch.New} {
			if s == nil {
				continue
			}
			s.Changed, s.Created = time.Time{}, time.Time{}
			if time.Since(s.Modified) < time.Hour {
				s.Modified = time.Time{}
			}
		}
		must(t, enc.Encode(ch))
	}
	const golden = "testdata/drift.jsonl"
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(golden, lines.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if diff := cmp.Diff(string(want), lines.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
