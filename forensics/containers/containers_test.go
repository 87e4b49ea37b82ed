package containers_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

const dockerFixture = "../../lab/fixtures/docker-overlay2.tar.gz"

// image makes an ext4 image of a directory and opens it.
func image(t testing.TB, source string) *ext4.FS {
	t.Helper()
	f, err := os.Open(imageFile(t, source))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	disk, err := ext4.Open(f, 128<<20, ext4.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return disk
}

func imageFile(t testing.TB, source string) string {
	t.Helper()
	labenv.NeedTool(t, "mkfs.ext4", "apt-get install e2fsprogs")
	name := filepath.Join(t.TempDir(), "disk.img")
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", "-d", source, name, "128M").CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	return name
}

func list(t testing.TB, disk *ext4.FS) containers.Listing {
	t.Helper()
	l, err := containers.List(context.Background(), disk, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestDocker reads the tree that a real dockerd left.
func TestDocker(t *testing.T) {
	source := t.TempDir()
	unpack(t, dockerFixture, filepath.Join(source, "data/engine"))
	l := list(t, image(t, source))
	states := map[string]string{}
	for _, c := range l.Containers {
		states[c.State] += c.Name
		if c.Runtime != "docker" || c.Image == "" || len(c.ID) != 64 || c.Created.IsZero() || !strings.HasSuffix(c.Layer, "/diff") {
			t.Errorf("incomplete: %+v", c)
		}
		if len(c.Layers) != 3 || c.Layers[2] != c.Layer || !strings.HasSuffix(c.Layers[1], "-init/diff") || !strings.HasPrefix(c.ImageDigest, "sha256:") {
			t.Errorf("layers %q of image %q", c.Layers, c.ImageDigest)
		}
		if c.State == "exited" && (c.ExitCode == nil || c.Finished.IsZero()) {
			t.Errorf("an exited container without its end: %+v", c)
		}
	}
	if len(l.Containers) != 3 || len(l.Problems) != 0 {
		t.Errorf("%d containers, problems %q, roots %v", len(l.Containers), l.Problems, l.Roots)
	}
	t.Logf("%v %v", l.Roots, states)
}

// TestContainerd reads a database laid out as containerd's metadata package does, with the kubelet's labels.
func TestContainerd(t *testing.T) {
	source := t.TempDir()
	store := filepath.Join(source, "var/lib/containerd")
	containerdStore(t, store)
	l := list(t, image(t, source))
	if len(l.Containers) != 2 || len(l.Problems) != 0 {
		t.Fatalf("%+v", l)
	}
	c := l.Containers[1]
	if c.Name != "web" || c.Pod != "web-1" || c.PodNamespace != "shop" || c.PodUID != "uid-1" || c.State != "exited" || *c.ExitCode != 137 ||
		c.Created != time.Unix(1700000100, 5).UTC() || c.Layer != "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/42/fs" {
		t.Errorf("%+v", c)
	}
	base := "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/"
	if want := []string{base + "2/fs", base + "300/fs", base + "42/fs"}; !slices.Equal(c.Layers, want) {
		t.Errorf("layers %q, not %q", c.Layers, want)
	}
	if !l.Containers[0].Sandbox {
		t.Errorf("no sandbox: %+v", l.Containers[0])
	}
}

// TestLinkedStore finds a store behind a link, as when /var/lib/containerd was moved to another directory.
func TestLinkedStore(t *testing.T) {
	source := t.TempDir()
	containerdStore(t, filepath.Join(source, "a/b/c/d/e/f/g/h/i/j/containerd"))
	if err := os.MkdirAll(filepath.Join(source, "var/lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/a/b/c/d/e/f/g/h/i/j/containerd", filepath.Join(source, "var/lib/containerd")); err != nil {
		t.Fatal(err)
	}
	if l := list(t, image(t, source)); len(l.Containers) != 2 {
		t.Errorf("%+v", l)
	}
}

// crowded is a disk with more files before its stores than a search looks at.
type crowded struct{ *ext4.FS }

func (c crowded) Walk(root string, do fs.WalkDirFunc) error {
	info, err := c.Lstat("var")
	if err != nil {
		return err
	}
	for range 600_000 {
		if do("a", fs.FileInfoToDirEntry(info), nil) != nil {
			return nil //nolint:nilerr // the search has seen enough
		}
	}
	return c.FS.Walk(root, do)
}

// TestCrowdedDisk finds the stores where they always are, whatever lies before them.
func TestCrowdedDisk(t *testing.T) {
	source := t.TempDir()
	containerdStore(t, filepath.Join(source, "var/lib/containerd"))
	unpack(t, dockerFixture, filepath.Join(source, "var/lib/docker"))
	l, err := containers.List(context.Background(), crowded{image(t, source)}, t.TempDir())
	if err != nil || len(l.Containers) != 5 || len(l.Roots) != 2 {
		t.Errorf("%d containers in %v, problems %q, %v", len(l.Containers), l.Roots, l.Problems, err)
	}
}

// TestImpossibleTimes lists containers whose times JSON cannot hold, says so, and gives the listing as JSON.
func TestImpossibleTimes(t *testing.T) {
	source := t.TempDir()
	writeDB(t, filepath.Join(source, "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"), func(tx *bolt.Tx) error {
		for i, year := range []int{-300, 0, 1, 9999, 10000, 1_000_000} {
			putContainer(t, bucket(t, tx, "v1", "other"), fmt.Sprint("c", i), time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC), nil)
		}
		return nil
	})
	config := `{"ID":"dddd","Name":"/late","Created":"9999-12-31T23:59:59-01:00","State":{"StartedAt":"9999-12-31T23:59:59-01:00","FinishedAt":"0000-01-01T00:00:00+01:00"}}`
	name := filepath.Join(source, "var/lib/docker/containers/dddd/config.v2.json")
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(config), 0o600)); err != nil {
		t.Fatal(err)
	}
	l := list(t, image(t, source))
	if _, err := json.Marshal(l); err != nil {
		t.Errorf("the listing is no JSON: %v", err)
	}
	said := strings.Join(l.Problems, "\n")
	if len(l.Containers) != 7 || strings.Count(said, "impossible time") != 7 {
		t.Errorf("%d containers, problems:\n%s", len(l.Containers), said)
	}
	for _, c := range l.Containers {
		if c.Name == "late" && (c.State != "exited" || !c.Started.IsZero()) {
			t.Errorf("%+v", c)
		}
	}
}

func containerdStore(t testing.TB, store string) {
	t.Helper()
	labels := map[string]string{"io.kubernetes.pod.name": "web-1", "io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.uid": "uid-1"}
	writeDB(t, filepath.Join(store, "io.containerd.metadata.v1.bolt/meta.db"), func(tx *bolt.Tx) error {
		k8s := bucket(t, tx, "v1", "k8s.io")
		putContainer(t, k8s, "aaaa", time.Unix(1700000000, 0), with(labels, "io.cri-containerd.kind", "sandbox"))
		putContainer(t, k8s, "bbbb", time.Unix(1700000100, 5), with(labels, "io.kubernetes.container.name", "web"))
		put(t, inside(t, k8s, "snapshots", "overlayfs", "aaaa"), "name", []byte("k8s.io/3/aaaa"))
		put(t, inside(t, k8s, "snapshots", "overlayfs", "bbbb"), "name", []byte("k8s.io/7/bbbb"))
		return nil
	})
	writeDB(t, filepath.Join(store, "io.containerd.snapshotter.v1.overlayfs/metadata.db"), func(tx *bolt.Tx) error {
		put(t, bucket(t, tx, "v1", "snapshots", "k8s.io/1/sha256:base"), "id", binary.AppendUvarint(nil, 2))
		put(t, bucket(t, tx, "v1", "snapshots", "k8s.io/2/sha256:upper"), "id", binary.AppendUvarint(nil, 300))
		put(t, bucket(t, tx, "v1", "snapshots", "k8s.io/2/sha256:upper"), "parent", []byte("k8s.io/1/sha256:base"))
		put(t, bucket(t, tx, "v1", "snapshots", "k8s.io/3/aaaa"), "id", binary.AppendUvarint(nil, 41))
		put(t, bucket(t, tx, "v1", "snapshots", "k8s.io/7/bbbb"), "id", binary.AppendUvarint(nil, 42))
		put(t, bucket(t, tx, "v1", "snapshots", "k8s.io/7/bbbb"), "parent", []byte("k8s.io/2/sha256:upper"))
		return nil
	})
	dir := filepath.Join(store, "io.containerd.grpc.v1.cri/containers/bbbb")
	status, _ := json.Marshal(map[string]any{"Version": "v1", "StartedAt": 1700000101e9, "FinishedAt": 1700000102e9, "ExitCode": 137})
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "status"), status, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func with(labels map[string]string, key, value string) map[string]string {
	out := map[string]string{key: value}
	for k, v := range labels {
		out[k] = v
	}
	return out
}

func putContainer(t testing.TB, ns *bolt.Bucket, id string, created time.Time, labels map[string]string) {
	t.Helper()
	c := inside(t, ns, "containers", id)
	stamp, _ := created.UTC().MarshalBinary()
	put(t, c, "createdat", stamp)
	put(t, c, "image", []byte("shop/web:1"))
	put(t, c, "snapshotKey", []byte(id))
	put(t, c, "snapshotter", []byte("overlayfs"))
	for k, v := range labels {
		put(t, inside(t, c, "labels"), k, []byte(v))
	}
}

func writeDB(t testing.TB, name string, fill func(*bolt.Tx) error) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(name, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(fill), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func bucket(t testing.TB, tx *bolt.Tx, first string, rest ...string) *bolt.Bucket {
	t.Helper()
	b, err := tx.CreateBucketIfNotExists([]byte(first))
	if err != nil {
		t.Fatal(err)
	}
	return inside(t, b, rest...)
}

func inside(t testing.TB, b *bolt.Bucket, names ...string) *bolt.Bucket {
	t.Helper()
	for _, n := range names {
		inner, err := b.CreateBucketIfNotExists([]byte(n))
		if err != nil {
			t.Fatal(err)
		}
		b = inner
	}
	return b
}

func put(t testing.TB, b *bolt.Bucket, key string, value []byte) {
	t.Helper()
	if err := b.Put([]byte(key), value); err != nil {
		t.Fatal(err)
	}
}

// unpack writes the files, directories and links of a tar.gz that belongs to this project.
func unpack(t testing.TB, archive, into string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(into, h.Name)
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(name, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if h.Typeflag == tar.TypeSymlink {
			if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.Symlink(h.Linkname, name)); err != nil {
				t.Fatal(err)
			}
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPlantedStores reads the node's own stores first, however many an attacker planted before them.
func TestPlantedStores(t *testing.T) {
	source := t.TempDir()
	containerdStore(t, filepath.Join(source, "var/lib/containerd"))
	for i := range 100 {
		if err := os.MkdirAll(filepath.Join(source, fmt.Sprintf("a/%03d/io.containerd.metadata.v1.bolt", i)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l := list(t, image(t, source))
	if len(l.Roots) != 32 || l.Roots[0].Path != "var/lib/containerd" || len(l.Containers) == 0 {
		t.Errorf("%d containers in %d stores, the first is %v", len(l.Containers), len(l.Roots), l.Roots[:1])
	}
	if said := strings.Join(l.Problems, "\n"); !strings.Contains(said, "a/031: 101 stores are on the disk") {
		t.Error(said)
	}
}
