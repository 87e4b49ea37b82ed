package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

// storeSpec says which containers a node ran: each on some of the layers that its tree has, with changes of its own.
type storeSpec struct {
	containers int
	below      int // layers of each one's image
	changes    int // files in each one's own layer
}

// upperFirst is the number of the first container's own layer, behind those of all images.
const upperFirst = 1000

// fill writes containerd's databases as containerd has them, and the containers' own layers. The layers of images are
// snapshots 1 to layers, as treeSpec.fill makes them.
func (s storeSpec) fill(root string, layers int) error {
	store := filepath.Join(root, "var/lib/containerd")
	random := rand.New(rand.NewPCG(11, 1))
	err := writeBolt(filepath.Join(store, "io.containerd.metadata.v1.bolt/meta.db"), func(tx *bolt.Tx) error { return s.meta(tx) })
	err = errors.Join(err, writeBolt(filepath.Join(store, "io.containerd.snapshotter.v1.overlayfs/metadata.db"), func(tx *bolt.Tx) error {
		return s.snapshots(tx, layers)
	}))
	for i := range s.containers {
		upper := filepath.Join(store, fmt.Sprintf("io.containerd.snapshotter.v1.overlayfs/snapshots/%d/fs", upperFirst+i))
		below := filepath.Join(store, fmt.Sprintf("io.containerd.snapshotter.v1.overlayfs/snapshots/%d/fs", s.top(i, layers)))
		err = errors.Join(err, s.change(random, upper, below), s.status(store, i))
	}
	return err
}

// top is the uppermost layer of a container's image.
func (s storeSpec) top(container, layers int) int { return s.below + container%(layers-s.below+1) }

func (s storeSpec) meta(tx *bolt.Tx) error {
	for i := range s.containers {
		id := containerID(i)
		created, _ := time.Unix(1_700_000_000+int64(i), 0).UTC().MarshalBinary()
		err := errors.Join(
			setAll(tx, map[string][]byte{"createdat": created, "image": []byte("shop/web:1"), "snapshotKey": []byte(id), "snapshotter": []byte("overlayfs")},
				"v1", "k8s.io", "containers", id),
			setAll(tx, map[string][]byte{
				"io.kubernetes.pod.name": fmt.Appendf(nil, "web-%d", i), "io.kubernetes.pod.namespace": []byte("shop"),
				"io.kubernetes.pod.uid": fmt.Appendf(nil, "uid-%d", i), "io.kubernetes.container.name": []byte("web"),
			}, "v1", "k8s.io", "containers", id, "labels"),
			setAll(tx, map[string][]byte{"name": []byte(upperName(i))}, "v1", "k8s.io", "snapshots", "overlayfs", id))
		if err != nil {
			return err
		}
	}
	return nil
}

func containerID(i int) string  { return fmt.Sprintf("%064x", i+1) }
func upperName(i int) string    { return fmt.Sprintf("k8s.io/%d/%s", upperFirst+i, containerID(i)) }
func layerName(n, c int) string { return fmt.Sprintf("k8s.io/%d/sha256:%d", n, c) }

// snapshots writes a chain of parents for each container. Two images that share a layer name it apart, as their chains do.
func (s storeSpec) snapshots(tx *bolt.Tx, layers int) error {
	for i := range s.containers {
		parent := ""
		for n := s.top(i, layers) - s.below + 1; n <= s.top(i, layers); n++ {
			name := layerName(n, i)
			if err := snapshot(tx, name, parent, uint64(n)); err != nil {
				return err
			}
			parent = name
		}
		if err := snapshot(tx, upperName(i), parent, uint64(upperFirst+i)); err != nil {
			return err
		}
	}
	return nil
}

func snapshot(tx *bolt.Tx, name, parent string, id uint64) error {
	values := map[string][]byte{"id": binary.AppendUvarint(nil, id)}
	if parent != "" {
		values["parent"] = []byte(parent)
	}
	return setAll(tx, values, "v1", "snapshots", name)
}

// change copies some files of the image up and changes them, adds some, and whites one out.
func (s storeSpec) change(random *rand.Rand, upper, below string) error {
	if err := os.RemoveAll(upper); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(upper, "tmp"), 0o755); err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(below, "*/*/*"))
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		info, err := os.Lstat(name)
		return err != nil || !info.Mode().IsRegular()
	})
	for i := range s.changes {
		b := make([]byte, 100+random.IntN(60_000))
		for n := range b {
			b[n] = byte(random.Uint32())
		}
		at := filepath.Join(upper, "tmp", fmt.Sprintf("added-%d", i))
		if i%3 == 0 && len(names) > 0 {
			rel, err := filepath.Rel(below, names[random.IntN(len(names))])
			if err != nil {
				return err
			}
			at = filepath.Join(upper, rel)
		}
		err := os.MkdirAll(filepath.Dir(at), 0o755)
		if info, missing := os.Lstat(at); missing == nil && !info.IsDir() {
			err = errors.Join(err, os.Remove(at)) // a whiteout is a device
		}
		if i%10 == 9 {
			err = errors.Join(err, known(syscall.Mknod(at, syscall.S_IFCHR, 0)))
		} else if info, missing := os.Stat(at); missing != nil || !info.IsDir() {
			err = errors.Join(err, os.WriteFile(at, b, 0o755))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s storeSpec) status(store string, i int) error {
	dir := filepath.Join(store, "io.containerd.grpc.v1.cri/containers", containerID(i))
	raw, err := json.Marshal(map[string]any{"Version": "v1", "StartedAt": int64(1_700_000_101e9), "FinishedAt": 0, "ExitCode": 0})
	return errors.Join(err, os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "status"), raw, 0o600))
}

func writeBolt(name string, fill func(*bolt.Tx) error) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	db, err := bolt.Open(name, 0o600, nil)
	if err != nil {
		return err
	}
	return errors.Join(db.Update(fill), db.Close())
}

// setAll puts values into a bucket inside buckets.
func setAll(tx *bolt.Tx, values map[string][]byte, first string, rest ...string) error {
	b, err := tx.CreateBucketIfNotExists([]byte(first))
	for _, name := range rest {
		if err != nil {
			return err
		}
		b, err = b.CreateBucketIfNotExists([]byte(name))
	}
	for key, value := range values {
		err = errors.Join(err, b.Put([]byte(key), value))
	}
	return err
}
