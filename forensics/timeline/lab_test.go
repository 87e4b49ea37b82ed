package timeline_test

import (
	"encoding/json"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
	"github.com/firebreak-ir/firebreak/forensics/timeline"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// TestNodeOfTheLab makes the timeline of a copy of the real node's disk, on which containers run and an intruder was: what
// he dropped is there with its container, and so are the container's times and the lines of its log.
func TestNodeOfTheLab(t *testing.T) {
	lab := labenv.Load(t)
	node, ok := realNode(lab)
	if !ok {
		labenv.LeaveOut(t, "the lab has no real node")
	}
	disk := filepath.Join(t.TempDir(), "copy.img")
	run(t, nil, "cp", "--sparse=always", node.Image, disk)
	v := openVolume(t, disk)
	listing, err := containers.List(t.Context(), v.FS, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	layers := lastwrites.NewLayers(v.FS, listing)
	line := begin(t, timeline.Options{MemoryBytes: 1 << 20})
	for _, e := range entries(t, v.FS, func(error) {}) { // the node goes on while its disk is copied
		e.Place = layers.Find(e.Path)
		if err := line.AddFile(e); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range listing.Containers {
		for _, e := range timeline.ContainerEvents(c) {
			if err := line.Add(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	report, err := line.AddLogs(t.Context(), v.FS, timeline.LogOptions{Listing: listing})
	if err != nil || report.Files == 0 || report.Events == 0 {
		t.Fatalf("%v, %+v", err, report)
	}
	t.Logf("%d events, of which %d of %d logs; %q", line.Len(), report.Events, report.Files, report.Problems)
	checkNode(t, lab.Scenario, sketch(t, line))
}

func realNode(lab labenv.Lab) (labenv.Node, bool) {
	for _, node := range lab.Nodes {
		if node.Real {
			return node, true
		}
	}
	return labenv.Node{}, false
}

func openVolume(t *testing.T, disk string) image.Volume {
	t.Helper()
	f, err := block.OpenFile(disk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	img, err := image.Open(f, image.Options{})
	if err != nil || len(img.Volumes) != 1 {
		t.Fatalf("%v, %+v", err, img)
	}
	return img.Volumes[0]
}

// checkNode looks for what must be in the timeline of the attacked node.
func checkNode(t *testing.T, scenario labenv.Scenario, out string) {
	t.Helper()
	found := map[string]bool{}
	for text := range strings.Lines(out) {
		var e struct {
			Source, Path, Container, Pod, Namespace string
			ID                                      string `json:"container_id"`
		}
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatal(err)
		}
		if e.Pod != scenario.Attack.Pod || e.Namespace != scenario.Namespace || e.Container != scenario.Container {
			continue
		}
		found[e.Source] = true
		if strings.HasSuffix(e.Path, scenario.Attack.Dropped) {
			found["dropped"] = true
		}
		if e.ID != "" && e.ID == path.Base(strings.ReplaceAll(scenario.Attack.ContainerID, "://", "/")) {
			found["id of "+e.Source] = true
		}
	}
	for _, want := range []string{timeline.FileSystem, timeline.Container, timeline.ContainerLog, "dropped", "id of " + timeline.Container} {
		if !found[want] {
			t.Errorf("no %s of the attacked container: %v", want, found)
		}
	}
}
