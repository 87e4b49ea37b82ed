package containers

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/firebreak-ir/firebreak/forensics/extract"
)

// store is one containerd store while it is read.
type store struct {
	root   Root
	meta   string // its database on the disk
	number int
	found  []Container
	images map[string]string // digest of the manifest, by namespace and name
}

// containerd lists the containers of one store. Its databases are copied out and read as data.
func (l *lister) containerd(root Root, number int) {
	s := &store{root: root, meta: path.Join(root.Path, metaDir, "meta.db"), number: number, images: map[string]string{}}
	rootless := l.rootless(root)
	l.readSnapshots(s)
	err := l.database(s.meta, fmt.Sprintf("meta-%d.db", number), func(tx *bolt.Tx) error {
		return eachBucket(tx.Bucket([]byte("v1")), func(ns string, b *bolt.Bucket) error {
			return l.namespace(s, ns, b)
		})
	}, func(f *freed) { s.found = append(s.found, l.recovered(s, f)...) })
	if err != nil {
		l.problem(s.meta, err)
	}
	for _, c := range s.found {
		c.Rootless = rootless
		if digest := s.images[c.Namespace+"\x00"+c.Image]; digest != "" {
			c.ImageDigest = digest
		}
		l.place(root, &c)
		l.status(root, &c)
		l.add(c)
	}
}

// database copies a bolt database out, checks its pages, and calls do with a transaction that reads it. Then, whatever
// came of it, it calls free with the pages that are not in use, where that is not nil.
func (l *lister) database(name, copyName string, do func(*bolt.Tx) error, free func(*freed)) error {
	if err := extract.File(l.ctx, l.disk, name, l.scratch, copyName, maxDatabase); err != nil {
		return err
	}
	local := filepath.Join(l.scratch, extract.Name(copyName))
	defer os.Remove(local)
	err := view(local, do)
	if free != nil {
		l.readFreed(name, local, free)
	}
	return err
}

func (l *lister) namespace(s *store, ns string, b *bolt.Bucket) error {
	err := eachBucket(b.Bucket([]byte("containers")), func(id string, c *bolt.Bucket) error {
		if len(s.found) < maxContainers {
			s.found = append(s.found, l.container(ns, id, s.meta, liveRecord(c)))
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = eachBucket(b.Bucket([]byte("images")), func(name string, i *bolt.Bucket) error {
		if target := i.Bucket([]byte("target")); target != nil && len(s.images) < maxContainers {
			s.images[clip(ns)+"\x00"+clip(name)] = clip(string(target.Get([]byte("digest"))))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return eachBucket(b.Bucket([]byte("snapshots")), func(snapshotter string, keys *bolt.Bucket) error {
		return eachBucket(keys, func(key string, b *bolt.Bucket) error {
			l.snapshots.name(s.root, ns, snapshotter, key, string(b.Get([]byte("name"))))
			return nil
		})
	})
}

// liveRecord copies a record out of the database's tree.
func liveRecord(b *bolt.Bucket) record {
	r := record{fields: map[string][]byte{}, labels: map[string]string{}, extensions: map[string][]byte{}}
	_ = b.ForEach(func(k, v []byte) error {
		if v != nil && string(k) != "spec" {
			r.fields[string(k)] = slices.Clone(v)
		}
		return nil
	})
	if from := b.Bucket([]byte("labels")); from != nil {
		_ = from.ForEach(func(k, v []byte) error { r.labels[string(k)] = string(v); return nil })
	}
	if from := b.Bucket([]byte("extensions")); from != nil {
		_ = from.ForEach(func(k, v []byte) error { r.extensions[string(k)] = slices.Clone(v); return nil })
	}
	return r
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

// sortedKeys gives the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
