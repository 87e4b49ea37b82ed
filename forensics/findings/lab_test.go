package findings_test

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/findings"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// TestRealNode finds what the lab's intruder did in a container of the real node, on a copy of its running disk.
func TestRealNode(t *testing.T) {
	t.Parallel()
	lab := labenv.Load(t)
	if !lab.Nodes[0].Real {
		labenv.LeaveOut(t, "this lab's node runs nothing")
	}
	attack := lab.Scenario.Attack
	disk, listing := node(t, lab.Nodes[0].Image)
	if !slices.ContainsFunc(listing.Containers, func(c containers.Container) bool { return c.ID == attack.ContainerID && len(c.Layers) > 0 }) {
		attack = attackAgain(t) // its pod was evicted since
		disk, listing = node(t, lab.Nodes[0].Image)
	}
	judge, err := findings.NewJudge(findings.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{} // hash by rule and path
	report, err := findings.Search{Disk: disk, Listing: listing, Judge: judge}.Run(t.Context(), func(s findings.Subject, j findings.Judgement) error {
		for _, f := range j.Findings {
			if f.Of.Container == attack.ContainerID && f.Of.Pod == attack.Pod && f.Of.Namespace == lab.Scenario.Namespace {
				got[f.Rule+" "+f.Path] = f.SHA256
			}
		}
		return nil
	})
	if err != nil || len(report.Problems) > 0 || report.Containers < 2 {
		t.Fatalf("%v %+v", err, report)
	}
	for _, rule := range []string{"miner", "elf", "hidden-program"} {
		if sum := got[rule+" "+attack.Dropped]; sum != attack.SHA256 {
			t.Errorf("%s of %s: %q", rule, attack.Dropped, sum)
		}
	}
	for _, want := range []string{"cron " + attack.Changed[0], "accounts " + attack.Changed[1], "log-deleted " + attack.Deleted[0]} {
		if len(got[want]) != 64 {
			t.Errorf("no finding %q among %q", want, got)
		}
	}
}

// node opens a copy of the disk of a node that runs, at about one moment: what the intruder did was synced before.
func node(t *testing.T, path string) (image.Volume, containers.Listing) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "node.img")
	kerneltest.Run(t, "cp", "--sparse=always", path, to)
	f, err := os.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	opened, err := image.Open(onDisk{f, info.Size()}, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	listing, err := containers.List(t.Context(), opened.Volumes[0], t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return opened.Volumes[0], listing
}

// attackAgain has the lab break into a pod.
func attackAgain(t *testing.T) labenv.Attack {
	t.Helper()
	program, args := cmp.Or(os.Getenv("FIREBREAK_LAB_PROGRAM"), filepath.Join("..", "..", "lab", "bin", "lab")), []string{"attack", "--output", "json"}
	if name := os.Getenv("FIREBREAK_LAB_NAME"); name != "" {
		args = append(args, "--name", name)
	}
	out, err := exec.CommandContext(t.Context(), program, args...).Output()
	if err != nil {
		t.Fatalf("lab attack: %v", err)
	}
	var done labenv.Scenario
	if err := json.Unmarshal(out, &done); err != nil {
		t.Fatal(err)
	}
	return done.Attack
}

type onDisk struct {
	*os.File
	size int64
}

func (d onDisk) Size() int64 { return d.size }
