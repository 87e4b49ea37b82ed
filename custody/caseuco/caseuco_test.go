package caseuco_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/custody/caseuco"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func example() caseuco.Case {
	at := func(minute int) time.Time { return time.Date(2026, 11, 20, 8, minute, 0, 123456789, time.UTC) }
	sum := strings.Repeat("0a", 32)
	return caseuco.Case{
		ID: "pod-compromise-1.2", Agent: "firebreak 0.9.0", Organization: "Example Corp",
		Actions: []caseuco.Action{
			{Step: "isolate", Phase: "contain", Activity: "kube.isolate_pod", Status: caseuco.Success, Summary: "isolated \"web\"", Started: at(1), Ended: at(2)},
			{Step: "read", Phase: "analyze", Activity: "forensics.read_snapshot", Status: caseuco.Success, Started: at(3), Ended: at(5)},
			{Step: "seal", Phase: "improve", Activity: "evidence.seal", Status: caseuco.Ongoing, Started: at(9)},
		},
		Files: []caseuco.File{
			{Path: "data/logs/web.log", Kind: "log", SHA256: sum, Size: 5, Step: "logs", Logged: at(2)},
			{Path: "data/snap-1/image.raw", Kind: "disk image", SHA256: sum, Size: 1 << 30, Step: "read", Logged: at(4)},
			{Path: "data/snap-1/blocks.jsonl", Kind: "block index", SHA256: sum, Size: 50, Step: "read", Logged: at(4)},
			{Path: "data/snap-1/containers.json", Kind: "containers", SHA256: sum, Size: 50, Step: "list", Logged: at(6)},
		},
	}
}

func TestTheCaseIsWrittenAsItAlwaysWas(t *testing.T) {
	golden := filepath.Join("testdata", "case.jsonld")
	got, err := example().Write()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
