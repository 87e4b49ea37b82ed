package containers_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/firebreak-ir/firebreak/forensics/containers"
)

const (
	minerID   = "c6bf55bf49141c15742d1704c62ed45c3ccf18009c51f4a530c8529246820f38"
	layersDir = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/"
)

// TestDeletedContainer reads the disk of a real node, of which a pod was deleted two seconds before: the record, the status,
// the layers and the log of its container are all still there, in pages and directories that containerd does not use.
func TestDeletedContainer(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	unpack(t, "testdata/deleted.tar.gz", source)
	if err := os.MkdirAll(filepath.Join(source, layersDir, "1/fs"), 0o755); err != nil { // an image's, which the fixture has not
		t.Fatal(err)
	}
	disk := image(t, source)
	l := list(t, disk)
	var deleted []containers.Container
	for _, c := range l.Containers {
		if c.Deleted || c.Recovered {
			deleted = append(deleted, c)
		}
	}
	if len(l.Containers) != 18 || len(deleted) != 1 || !slices.EqualFunc(deleted, l.Containers[17:], func(a, b containers.Container) bool { return a.ID == b.ID }) {
		t.Fatalf("%d containers, deleted %+v", len(l.Containers), deleted)
	}
	c := deleted[0]
	if c.ID != minerID || c.Name != "miner" || c.Pod != "shortlived" || c.PodNamespace != "hd-test" || c.Namespace != "k8s.io" || c.Page == 0 ||
		c.PodUID != "8391cfc2-e499-480f-acf0-d6caf9065846" || c.State != "exited" || c.ExitCode == nil || *c.ExitCode != 137 || !c.Recovered ||
		c.Created.IsZero() || c.Image != "docker.io/shop/web:1.4.2" {
		t.Errorf("%+v", c)
	}
	if want := []string{layersDir + "1/fs", layersDir + "2/fs", layersDir + "22/fs"}; !slices.Equal(c.Layers, want) || c.Layer != want[2] {
		t.Errorf("layers %q, not %q", c.Layers, want)
	}
	if len(l.Leftovers) != 1 || l.Leftovers[0].Path != layersDir+"22" || l.Leftovers[0].What != "layer" || len(l.Problems) != 0 {
		t.Errorf("leftovers %+v, problems %q", l.Leftovers, l.Problems)
	}
	view, problems := containers.Rootfs(disk, c)
	if view == nil {
		t.Fatal(problems)
	}
	if b, err := fs.ReadFile(view, "tmp/loot"); err != nil || string(b) != "stolen\n" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestNothingIsRecovered: databases without deleted containers give none, whatever old copies of records they hold.
func TestNothingIsRecovered(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	name := filepath.Join(source, "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db")
	containerdStore(t, filepath.Join(source, "var/lib/containerd"))
	for i := range 20 { // each of which writes the records anew
		writeDB(t, name, func(tx *bolt.Tx) error {
			put(t, bucket(t, tx, "v1", "k8s.io", "containers", "bbbb"), "updatedat", stamp(t, time.Unix(1700000200+int64(i), 0)))
			return nil
		})
	}
	if l := list(t, image(t, source)); len(l.Containers) != 2 || l.Containers[1].Deleted || l.Containers[1].Recovered {
		t.Errorf("%+v", l.Containers)
	}
}

// TestRecovered deletes containers of several namespaces, with and without the kubelet's metadata, from a database as
// containerd lays it out.
func TestRecovered(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	name := filepath.Join(source, "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db")
	writeDB(t, name, func(tx *bolt.Tx) error {
		for _, ns := range []string{"default", "moby"} {
			for i := range 5 {
				putContainer(t, bucket(t, tx, "v1", ns), fmt.Sprintf("%s-%d", ns, i), time.Unix(1700000000+int64(i), 0), map[string]string{"who": ns})
			}
		}
		return nil
	})
	writeDB(t, name, func(tx *bolt.Tx) error {
		for _, id := range []string{"default-1", "moby-3"} {
			if err := bucket(t, tx, "v1", id[:len(id)-2], "containers").DeleteBucket([]byte(id)); err != nil {
				return err
			}
		}
		return nil
	})
	var got []string
	for _, c := range list(t, image(t, source)).Containers {
		if c.Deleted {
			got = append(got, c.ID+" "+c.Namespace+" "+c.Labels["who"])
		}
		if c.Deleted != c.Recovered || c.Deleted != (c.Page != 0) {
			t.Errorf("%+v", c)
		}
	}
	if want := []string{"default-1 default default", "moby-3 moby moby"}; !slices.Equal(got, want) {
		t.Errorf("recovered %q, not %q", got, want)
	}
}

// TestSplitRecord recovers a record that is larger than a page, as those of Kubernetes' containers are: bolt keeps its first
// keys on one page and the others on another.
func TestSplitRecord(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	name := filepath.Join(source, "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db")
	writeDB(t, name, func(tx *bolt.Tx) error {
		for _, id := range []string{"kept", "large"} {
			putContainer(t, bucket(t, tx, "v1", "default"), id, time.Unix(1700000000, 0), map[string]string{"a": "b"})
			c := bucket(t, tx, "v1", "default", "containers", id)
			put(t, c, "snapshotter", []byte("native"))
			put(t, c, "spec", make([]byte, 9000))
			put(t, c, "updatedat", stamp(t, time.Unix(1700000001, 0)))
		}
		return nil
	})
	writeDB(t, name, func(tx *bolt.Tx) error {
		return bucket(t, tx, "v1", "default", "containers").DeleteBucket([]byte("large"))
	})
	all := list(t, image(t, source)).Containers
	if c := all[len(all)-1]; len(all) != 2 || c.ID != "large" || !c.Deleted || c.Snapshotter != "native" || c.Image != "shop/web:1" || c.Namespace != "default" {
		t.Errorf("%+v", all)
	}
}

func stamp(t testing.TB, at time.Time) []byte {
	t.Helper()
	b, err := at.UTC().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
