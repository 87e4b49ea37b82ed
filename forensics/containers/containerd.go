package containers

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/firebreak-ir/firebreak/forensics/extract"
)

const overlaySnapshotter = "overlayfs"

// containerd lists the containers of one store. Its databases are copied out and read as data.
func (l *lister) containerd(root Root, number int) {
	meta := path.Join(root.Path, metaDir, "meta.db")
	var found []Container
	names := map[string]string{} // snapshot's name in its snapshotter, by namespace and key
	err := l.database(meta, fmt.Sprintf("meta-%d.db", number), func(tx *bolt.Tx) error {
		return eachBucket(tx.Bucket([]byte("v1")), func(ns string, b *bolt.Bucket) error {
			return l.namespace(ns, meta, b, &found, names)
		})
	})
	if err != nil {
		l.problem(meta, err)
	}
	layers := l.layers(root, number)
	for _, c := range found {
		if id, ok := layers[names[c.Namespace+"\x00"+c.Snapshot]]; ok {
			c.Layer = path.Join(root.Path, "io.containerd.snapshotter.v1."+overlaySnapshotter, "snapshots", fmt.Sprint(id), "fs")
		}
		l.status(root, &c)
		l.add(c)
	}
}

// database copies a bolt database out, checks its pages, and calls do with a transaction that reads it.
func (l *lister) database(name, copyName string, do func(*bolt.Tx) error) error {
	if err := extract.File(l.ctx, l.disk, name, l.scratch, copyName, maxDatabase); err != nil {
		return err
	}
	local := filepath.Join(l.scratch, extract.Name(copyName))
	defer os.Remove(local)
	return view(local, do)
}

func (l *lister) namespace(ns, source string, b *bolt.Bucket, found *[]Container, names map[string]string) error {
	err := eachBucket(b.Bucket([]byte("containers")), func(id string, c *bolt.Bucket) error {
		if len(*found) < maxContainers {
			*found = append(*found, l.fromBucket(ns, id, source, c))
		}
		return nil
	})
	if err != nil {
		return err
	}
	snapshots := b.Bucket([]byte("snapshots"))
	if snapshots == nil {
		return nil
	}
	return eachBucket(snapshots.Bucket([]byte(overlaySnapshotter)), func(key string, s *bolt.Bucket) error {
		names[clip(ns)+"\x00"+clip(key)] = string(s.Get([]byte("name")))
		return nil
	})
}

func (l *lister) fromBucket(ns, id, source string, b *bolt.Bucket) Container {
	c := Container{
		ID: clip(id), Namespace: clip(ns), Runtime: string(Containerd), Image: clip(string(b.Get([]byte("image")))),
		Snapshot: clip(string(b.Get([]byte("snapshotKey")))), Source: source,
	}
	var created time.Time
	if created.UnmarshalBinary(b.Get([]byte("createdat"))) == nil {
		c.Created = l.moment(source, created)
	}
	labels := map[string]string{}
	if from := b.Bucket([]byte("labels")); from != nil {
		_ = from.ForEach(func(k, v []byte) error { labels[string(k)] = string(v); return nil })
	}
	c.Labels = clipLabels(labels)
	c.fromLabels()
	return c
}

// fromLabels reads what the kubelet writes on every container.
func (c *Container) fromLabels() {
	c.Pod, c.PodNamespace, c.PodUID = c.Labels["io.kubernetes.pod.name"], c.Labels["io.kubernetes.pod.namespace"], c.Labels["io.kubernetes.pod.uid"]
	c.Sandbox = c.Labels["io.cri-containerd.kind"] == "sandbox"
	if name := c.Labels["io.kubernetes.container.name"]; name != "" {
		c.Name = name
	}
	if c.Name == "" && c.Runtime == string(Containerd) {
		c.Name = c.Labels["nerdctl/name"]
	}
}

// layers gives the numbers of the overlay snapshotter's directories, by the names of snapshots.
func (l *lister) layers(root Root, number int) map[string]uint64 {
	out := map[string]uint64{}
	name := path.Join(root.Path, "io.containerd.snapshotter.v1."+overlaySnapshotter, "metadata.db")
	if _, err := l.disk.Lstat(name); err != nil {
		return out
	}
	err := l.database(name, fmt.Sprintf("snapshots-%d.db", number), func(tx *bolt.Tx) error {
		v1 := tx.Bucket([]byte("v1"))
		if v1 == nil {
			return nil
		}
		return eachBucket(v1.Bucket([]byte("snapshots")), func(key string, b *bolt.Bucket) error {
			if id, n := binary.Uvarint(b.Get([]byte("id"))); n > 0 {
				out[key] = id
			}
			return nil
		})
	})
	if err != nil {
		l.problem(name, err)
	}
	return out
}

// status adds what the CRI plugin keeps of a Kubernetes container beside the database.
func (l *lister) status(root Root, c *Container) {
	if c.Namespace != "k8s.io" || c.Sandbox || !plain(c.ID) {
		return
	}
	name := path.Join(root.Path, "io.containerd.grpc.v1.cri", "containers", c.ID, "status")
	raw, err := l.small(name)
	if err != nil {
		l.problem(name, err)
		return
	}
	var s struct {
		StartedAt, FinishedAt int64
		ExitCode              int
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		l.problem(name, fmt.Errorf("decode: %w", err))
		return
	}
	c.Started, c.Finished, c.State = l.moment(name, nanos(s.StartedAt)), l.moment(name, nanos(s.FinishedAt)), "created"
	switch {
	case s.FinishedAt != 0:
		c.State, c.ExitCode = "exited", &s.ExitCode
	case s.StartedAt != 0:
		c.State = "running"
	}
}

func nanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

// eachBucket calls do for the buckets in b, which may be nil.
func eachBucket(b *bolt.Bucket, do func(name string, b *bolt.Bucket) error) error {
	if b == nil {
		return nil
	}
	return b.ForEachBucket(func(k []byte) error {
		inner := b.Bucket(k)
		if inner == nil {
			return fmt.Errorf("bucket %q cannot be opened", clip(string(k)))
		}
		return do(string(k), inner)
	})
}

// clipLabels bounds labels, and keeps those that say which pod it was whatever their number.
func clipLabels(in map[string]string) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(in)) {
		if len(out) < maxLabels || strings.HasPrefix(k, "io.kubernetes.") {
			out[clip(k)] = clip(in[k])
		}
	}
	return out
}
