package forensics_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/forensics"
)

// TestTwoListings compares our own listing of a real dockerd's store with docker-explorer's.
func TestTwoListings(t *testing.T) {
	deps := forensics.Deps{Store: withImage(t, dockerDisk(t)), DockerExplorer: explorer(t)}
	in := forensics.ImageInput{Image: imageName}
	ours, err := run[forensics.ListContainersOutput](t, forensics.ListContainers(deps), call("list"), in)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := run[forensics.DockerExplorerOutput](t, forensics.DockerExplorer(deps), call("explore"), in)
	if err != nil {
		t.Fatal(err)
	}
	type line struct{ ID, Image, Layer string }
	var a, b []line
	for _, c := range ours.Containers {
		a = append(a, line{c.ID, c.Image, c.Layer})
	}
	for _, c := range theirs.Containers {
		b = append(b, line{c.ID, c.Image, c.Layer})
	}
	byID := func(x, y line) int { return strings.Compare(x.ID, y.ID) }
	slices.SortFunc(a, byID)
	slices.SortFunc(b, byID)
	if diff := cmp.Diff(b, a); diff != "" || len(a) != 3 {
		t.Errorf("%d containers (-docker-explorer +ours):\n%s", len(a), diff)
	}
	if len(ours.Warnings) != 0 || ours.Total != 3 || theirs.Total != 3 {
		t.Errorf("%+v\n%+v", ours, theirs)
	}
	t.Log(ours.Summary, "|", theirs.Summary, "|", theirs.Warnings)
	kept(t, deps, theirs.Items[0].Path)
}

// kept checks that docker-explorer's answer is in the evidence as it came, without a path of this machine in it.
func kept(t *testing.T, deps forensics.Deps, name string) {
	t.Helper()
	c, err := deps.Store.Case(call("x").Case)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(c.Dir(), name))
	if err != nil || !json.Valid(raw) || strings.Contains(string(raw), c.Dir()) {
		t.Errorf("%v: %.300s", err, raw)
	}
}

// TestSameTwice runs every activity again, as after a kill that came too late.
func TestSameTwice(t *testing.T) {
	deps := forensics.Deps{Store: withImage(t, dockerDisk(t)), DockerExplorer: explorer(t)}
	for _, d := range []activities.Definition{forensics.ListContainers(deps), forensics.DockerExplorer(deps), forensics.LastWrites(deps)} {
		var outs []json.RawMessage
		for range 2 {
			raw, err := d.Run(t.Context(), call(d.Name), json.RawMessage(`{"image":"`+imageName+`"}`))
			if err != nil {
				t.Fatalf("%s: %v", d.Name, err)
			}
			outs = append(outs, raw)
		}
		if diff := cmp.Diff(string(outs[0]), string(outs[1])); diff != "" {
			t.Errorf("%s: %s", d.Name, diff)
		}
	}
}

func TestWhatCannotBeExplored(t *testing.T) {
	in := forensics.ImageInput{Image: imageName}
	empty := forensics.Deps{Store: withImage(t, makeDisk(t, t.TempDir()))}
	out, err := run[forensics.DockerExplorerOutput](t, forensics.DockerExplorer(empty), call("none"), in)
	if err != nil || out.Status != activities.Skipped {
		t.Errorf("a disk without Docker: %+v, %v", out, err)
	}
	disk := dockerDisk(t)
	for name, c := range map[string]struct {
		deps forensics.Deps
		in   forensics.ImageInput
		want activities.Kind
	}{
		"not installed": {forensics.Deps{Store: withImage(t, disk), DockerExplorer: []string{"no-such-docker-explorer"}}, in, activities.Unsupported},
		"gives up":      {forensics.Deps{Store: withImage(t, disk), DockerExplorer: []string{"false"}}, in, activities.Corrupt},
		"says nothing":  {forensics.Deps{Store: withImage(t, disk), DockerExplorer: []string{"true"}}, in, activities.Corrupt},
		"no image":      {forensics.Deps{Store: newStore(t)}, in, activities.NotFound},
		"outside":       {forensics.Deps{Store: newStore(t)}, forensics.ImageInput{Image: "../../etc/passwd"}, activities.InvalidInput},
	} {
		if _, err := run[forensics.DockerExplorerOutput](t, forensics.DockerExplorer(c.deps), call(name), c.in); kindOf(err) != c.want {
			t.Errorf("%s: %v, want the kind %s", name, err, c.want)
		}
	}
}

// TestDryRun says what it would do and leaves the case as it is.
func TestDryRun(t *testing.T) {
	c := call("dry")
	c.DryRun = true
	deps := forensics.Deps{}
	for _, d := range []activities.Definition{forensics.ListContainers(deps), forensics.DockerExplorer(deps), forensics.LastWrites(deps), forensics.ReadSnapshot(deps)} {
		in := `{"image":"` + imageName + `"}`
		if d.Name == "forensics.read_snapshot" {
			in = `{"snapshot":"snap-0123456789abcdef0"}`
		}
		raw, err := d.Run(t.Context(), c, json.RawMessage(in))
		if err != nil || !strings.Contains(string(raw), `"would":[{`) || strings.Contains(string(raw), "null") {
			t.Errorf("%s: %s, %v", d.Name, raw, err)
		}
	}
}

// TestPlantedStore explores the node's own store although an attacker planted one that docker-explorer cannot read.
func TestPlantedStore(t *testing.T) {
	source := t.TempDir()
	unpack(t, dockerFixture, filepath.Join(source, "lib/docker"))
	writeFile(t, filepath.Join(source, "a/docker/containers/planted/config.v2.json"), []byte("{}"))
	command := filepath.Join(t.TempDir(), "explorer")
	writeProgram(t, command, "#!/bin/sh\ntest ! -e docker/containers/planted || exit 1\necho '[]'\n")
	deps := forensics.Deps{Store: withImage(t, makeDisk(t, source)), DockerExplorer: []string{command}}
	out, err := run[forensics.DockerExplorerOutput](t, forensics.DockerExplorer(deps), call("explore"), forensics.ImageInput{Image: imageName})
	said := strings.Join(out.Warnings, "\n")
	if err != nil || !strings.Contains(said, "/a/docker was not explored") || !strings.Contains(out.Summary, "in 1 Docker store") {
		t.Errorf("%v, %q, %q", err, out.Summary, said)
	}
}
