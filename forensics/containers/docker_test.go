package containers_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/firebreak-ir/firebreak/forensics/containers"
)

// docker29 makes the store of a Docker that keeps its layers in containerd, as version 29 does by default: laid out by
// this test after moby's daemon/containerd, as no such Docker is packaged for this project's machines.
func docker29(t testing.TB, source, id string) {
	t.Helper()
	store := filepath.Join(source, "var/lib/containerd")
	writeDB(t, filepath.Join(store, "io.containerd.metadata.v1.bolt/meta.db"), func(tx *bolt.Tx) error {
		moby := bucket(t, tx, "v1", "moby")
		putContainer(t, moby, id, time.Unix(1700000000, 0), map[string]string{"com.docker/engine.bundle.path": "/x"})
		for i, key := range []string{"sha256:base", id + "-init", id} {
			put(t, inside(t, moby, "snapshots", "overlayfs", key), "name", fmt.Appendf(nil, "moby/%d/%s", i, key))
		}
		return nil
	})
	writeDB(t, filepath.Join(store, "io.containerd.snapshotter.v1.overlayfs/metadata.db"), func(tx *bolt.Tx) error {
		parent := ""
		for i, key := range []string{"sha256:base", id + "-init", id} {
			name := fmt.Sprintf("moby/%d/%s", i, key)
			put(t, bucket(t, tx, "v1", "snapshots", name), "id", binary.AppendUvarint(nil, uint64(7+i)))
			if parent != "" {
				put(t, bucket(t, tx, "v1", "snapshots", name), "parent", []byte(parent))
			}
			parent = name
		}
		return nil
	})
	for i := range 3 {
		must(t, os.MkdirAll(filepath.Join(store, "io.containerd.snapshotter.v1.overlayfs/snapshots", fmt.Sprint(7+i), "fs"), 0o755))
	}
	writeAt(t, source, "var/lib/docker/containers/"+id+"/config.v2.json", `{"ID":"`+id+`","Name":"/web","Driver":"overlayfs","Image":"sha256:config",
		"ImageManifest":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:manifest","size":1},
		"Created":"2026-11-25T12:00:00Z","State":{"Running":true,"StartedAt":"2026-11-25T12:00:01Z"},"Config":{"Image":"shop/web:1"}}`)
}

// TestDocker29 joins Docker's own configuration with the layers in containerd, and lists the container once.
func TestDocker29(t *testing.T) {
	t.Parallel()
	source, id := t.TempDir(), strings.Repeat("d", 64)
	docker29(t, source, id)
	disk := image(t, source)
	l := list(t, disk)
	if len(l.Containers) != 1 || len(l.Problems) != 0 || len(l.Leftovers) != 0 {
		t.Fatalf("%+v", l)
	}
	c := l.Containers[0]
	const base = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/"
	if c.Runtime != "docker" || c.Name != "web" || c.State != "running" || c.ImageDigest != "sha256:manifest" ||
		!slices.Equal(c.Layers, []string{base + "7/fs", base + "8/fs", base + "9/fs"}) {
		t.Errorf("%+v", c)
	}
	if view, problems := containers.Rootfs(disk, c); view == nil {
		t.Error(problems)
	}
}

// TestRootless takes the owner of a store for who ran the containers.
func TestRootless(t *testing.T) {
	t.Parallel()
	source, id := t.TempDir(), strings.Repeat("d", 64)
	docker29(t, source, id)
	if os.Getuid() == 0 {
		must(t, os.Chown(filepath.Join(source, "var/lib/docker"), 1000, 1000))
	}
	c := list(t, image(t, source)).Containers[0]
	if c.Rootless != (os.Getuid() == 0) {
		t.Errorf("%+v", c)
	}
}

// TestDockerLeftovers finds the layers of a container whose configuration was removed by hand, and refuses links that lead
// elsewhere than to layers.
func TestDockerLeftovers(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	unpack(t, dockerFixture, filepath.Join(source, "var/lib/docker"))
	docker := filepath.Join(source, "var/lib/docker")
	entries, err := os.ReadDir(filepath.Join(docker, "containers"))
	must(t, err)
	must(t, os.RemoveAll(filepath.Join(docker, "containers", entries[0].Name())))
	mount, err := os.ReadFile(filepath.Join(docker, "image/overlay2/layerdb/mounts", entries[1].Name(), "mount-id"))
	must(t, err)
	lower, err := os.ReadFile(filepath.Join(docker, "overlay2", string(mount), "lower"))
	must(t, err)
	link := filepath.Join(docker, "overlay2", strings.Split(string(lower), ":")[0])
	must(t, os.Remove(link))
	must(t, os.Symlink("/etc", link))
	l := list(t, image(t, source))
	if first := l.Containers[0]; len(l.Containers) != 3 || first.Namespace != "moby" || first.ID != entries[0].Name() || len(first.Layers) != 3 {
		t.Errorf("the containerd below Docker still has the container: %+v", l.Containers)
	}
	must(t, os.RemoveAll(filepath.Join(docker, "containerd")))
	gone := list(t, image(t, source)).Containers
	if last := gone[len(gone)-1]; len(gone) != 3 || !last.Deleted || last.ID != entries[0].Name() || len(last.Layers) != 3 {
		t.Errorf("nothing but layers is left of it: %+v", gone)
	}
	if said := strings.Join(l.Problems, "\n"); !strings.Contains(said, `leads to "/etc"`) || len(l.Problems) != 1 {
		t.Errorf("problems:\n%s", said)
	}
}
