package disk

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/lab/fixtures"
	"github.com/firebreak-ir/firebreak/lab/python"
)

const containerdUpper = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/3/fs"

func TestImageIsSoundAndHoldsTheTree(t *testing.T) {
	image := makeImage(t)
	if output, err := exec.CommandContext(t.Context(), program(t, "e2fsck"), "-fn", image).CombinedOutput(); err != nil {
		t.Fatalf("e2fsck: %v\n%s", err, output)
	}
	upper := changedLayer(t, image)
	for request, want := range map[string]string{
		"cat /etc/hostname":                              "node-1",
		"cat /var/log/pods/a/0.log":                      "line",
		"stat /etc/passwd":                               "User:     0   Group:     0",
		"cat " + upper + "/diff/tmp/.X11-lock":           "nc -l",
		"stat " + upper + "/diff/var/log/cache.log":      "Device major/minor number: 00:00",
		"ea_list " + upper + "/diff/srv":                 `trusted.overlay.opaque (1) = "y"`,
		"cat " + containerdUpper + "/etc/passwd":         "toor:x:0:0",
		"stat " + containerdUpper + "/var/log/cache.log": "Device major/minor number: 00:00",
		"stat " + upper + "/work" + "/work":              "Mode:  0000",
		"stat /etc/group":                                fmt.Sprintf("ctime: 0x%08x", installed),
		"stat " + upper + "/diff/etc/passwd":             fmt.Sprintf("crtime: 0x%08x", installed),
	} {
		if got := debugfs(t, image, request); !strings.Contains(got, want) {
			t.Errorf("%s: no %q in\n%s", request, want, got)
		}
	}
}

func TestSameSpecAgainReplacesTheImage(t *testing.T) {
	image := makeImage(t)
	if err := Make(t.Context(), Spec{Path: image, Size: 64 << 20, Hostname: "node-2"}); err != nil {
		t.Fatal(err)
	}
	if got := debugfs(t, image, "cat /etc/hostname"); !strings.Contains(got, "node-2") {
		t.Errorf("hostname is %q", got)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(image), ".disk-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestFailedEditIsAnError(t *testing.T) {
	image := makeImage(t)
	edits := &script{dir: t.TempDir()}
	edits.own("no/such/file", 0, 0)
	if err := edits.apply(t.Context(), image); err == nil || !strings.Contains(err.Error(), "File not found") {
		t.Errorf("got %v", err)
	}
}

func makeImage(t *testing.T) string {
	t.Helper()
	image := filepath.Join(t.TempDir(), "disk.img")
	spec := Spec{
		Path: image, Size: 64 << 20, Hostname: "node-1", Docker: fixtures.DockerOverlay2(), Containerd: fixtures.Containerd(),
		Extra: []File{{Path: "var/log/pods/a/0.log", Mode: 0o640, Body: "line\n"}},
	}
	if err := Make(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	return image
}

// changedLayer finds the layer of the container that somebody changed, by the file that was dropped in it.
func changedLayer(t *testing.T, image string) string {
	t.Helper()
	out := t.TempDir()
	debugfs(t, image, `rdump /var/lib/docker/overlay2 "`+out+`"`)
	found, err := filepath.Glob(filepath.Join(out, "overlay2", "*", "diff", "tmp", ".X11-lock"))
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
	return "/var/lib/docker/overlay2/" + filepath.Base(strings.TrimSuffix(found[0], "/diff/tmp/.X11-lock"))
}

func debugfs(t *testing.T, image, request string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), program(t, "debugfs"), "-R", request, image).CombinedOutput()
	if err != nil {
		t.Fatalf("debugfs %s: %v", request, err)
	}
	return string(output)
}

func program(t *testing.T, name string) string {
	t.Helper()
	path, err := Program(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// The tree is for docker-explorer, which needs it as files: taken out of the image, as an analyst would.
func TestDockerExplorerListsTheContainers(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	tools, err := python.Ensure(t.Context(), filepath.Join(cache, "firebreak", "lab"), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	debugfs(t, makeImage(t), "rdump /var/lib/docker "+out)
	raw, err := exec.CommandContext(t.Context(), tools.DockerExplorer(), "-r", filepath.Join(out, "docker"), "list", "all_containers").Output()
	if err != nil {
		t.Fatal(err)
	}
	var containers []struct {
		ID     string            `json:"container_id"`
		Image  string            `json:"image_name"`
		Labels map[string]string `json:"labels"`
	}
	if err := json.Unmarshal(raw, &containers); err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	var seen []string
	for _, c := range containers {
		seen = append(seen, c.Image+" "+c.Labels["com.docker.compose.service"]+c.Labels["job"])
	}
	slices.Sort(seen)
	want := []string{"shop/cache:2.1 cache", "shop/cache:2.1 migrate", "shop/cache:2.1 session"}
	if !slices.Equal(seen, want) {
		t.Errorf("docker-explorer lists %q, want %q", seen, want)
	}
}
