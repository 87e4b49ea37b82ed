package analysis_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/analysis"
	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/drift"
	"github.com/firebreak-ir/firebreak/forensics/findings"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/timeline"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// node makes the disk of a node with the tree that a real dockerd left and a cron entry, and lists its containers.
func node(t *testing.T) (image.Volume, containers.Listing) {
	t.Helper()
	labenv.NeedTool(t, "mkfs.ext4", "apt-get install e2fsprogs")
	dir := t.TempDir()
	run(t, "mkdir", "-p", dir+"/root/var/lib/docker", dir+"/root/etc/cron.d")
	run(t, "tar", "-xzf", "../../lab/fixtures/docker-overlay2.tar.gz", "-C", dir+"/root/var/lib/docker")
	if err := os.WriteFile(dir+"/root/etc/cron.d/refresh", []byte("* * * * * root /tmp/.x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", "-F", "-d", dir+"/root", dir+"/disk", "96M")
	file, err := block.OpenFile(filepath.Join(dir, "disk"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	disk, err := image.Open(file, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	listing, err := containers.List(t.Context(), disk.Volumes[0], t.TempDir())
	if err != nil || len(listing.Containers) == 0 {
		t.Fatalf("%+v, %v", listing, err)
	}
	return disk.Volumes[0], listing
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if said, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, said)
	}
}

// TestFindings looks through containers and the node; without a time, the node's files are left alone.
func TestFindings(t *testing.T) {
	v, listing := node(t)
	for name, c := range map[string]struct {
		since time.Time
		of    string
		want  []string
	}{
		"all":           {time.Now().Add(-time.Hour), "", []string{"cron on node", "accounts in shop-session", "log-deleted in shop-session"}},
		"containers":    {time.Time{}, "", []string{"accounts in shop-session", "log-deleted in shop-session"}},
		"one container": {time.Now().Add(-time.Hour), "shop-cache", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			changes := 0
			opts := analysis.FindingsOptions{Since: c.since, Changes: func(drift.Change) error { changes++; return nil }}
			opts.Listing, opts.Container = listing, c.of
			report, err := analysis.Findings(t.Context(), v, opts, func(f analysis.Finding) error {
				if f.Severity == findings.Low {
					return nil
				}
				where := "on node"
				if f.Place != findings.Node {
					where = "in " + f.Of.Name
				}
				got = append(got, f.Rule+" "+where)
				return nil
			})
			if err != nil || strings.Join(got, "; ") != strings.Join(c.want, "; ") {
				t.Errorf("%q, want %q, %v", got, c.want, err)
			}
			if total := report.Drift.Changes[drift.Deleted] + report.Drift.Changes[drift.Modified]; c.of == "" && (changes == 0 || total == 0) {
				t.Errorf("%d changes, %+v", changes, report.Drift)
			}
		})
	}
}

// TestTimeline has files, containers and the responder in one order, and the body file of the same disk.
func TestTimeline(t *testing.T) {
	v, listing := node(t)
	var body, lines bytes.Buffer
	made, report, err := analysis.Timeline(t.Context(), v, analysis.TimelineOptions{
		Listing: listing, Scratch: t.TempDir(), Body: &body,
		Actions: []timeline.Action{{Time: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), What: "snapshot taken", Who: "firebreak", Step: "preserve"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Timesketch(t.Context(), &lines); err != nil || made.Close() != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/etc/cron.d/refresh", "shop-session", `"tag":["responder"]`} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("the timeline does not hold %s", want)
		}
	}
	if n := strings.Count(body.String(), "\n"); int64(n) != report.Entries || !strings.Contains(body.String(), "|/etc/cron.d/refresh|") {
		t.Errorf("%d lines for %d entries", n, report.Entries)
	}
	if report.Events != int64(strings.Count(lines.String(), "\n")) || report.Alone != 0 {
		t.Errorf("%+v", report)
	}
}

// TestLayers verifies the images under the disk's containers, which nobody has changed.
func TestLayers(t *testing.T) {
	v, listing := node(t)
	checks, found, problems, err := analysis.Layers(t.Context(), v, &listing, t.TempDir())
	if err != nil || len(checks) == 0 || len(found) != 0 {
		t.Errorf("%+v, %+v, %q, %v", checks, found, problems, err)
	}
}
