package containers

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

const (
	overlaySnapshotter = "overlayfs"
	nativeSnapshotter  = "native" // each layer is a whole copy
	maxChain           = 500      // layers of one container: the kernel merges no more
)

// snapshots are the layers of all containerd stores of a disk.
type snapshots map[Root]*layerStore

// layerStore is what one store knows of layers.
type layerStore struct {
	names  map[string]string   // what its snapshotter calls a snapshot, by snapshotter, namespace and key
	layers map[string]snapshot // by snapshotter and that name

	forgotten map[string]bool // of layers: those that were read from free pages
	unread    map[string]bool // snapshotters whose database could not be read
}

// snapshot is one layer of a snapshotter.
type snapshot struct {
	id     uint64
	parent string // "" for the lowest
}

func (s snapshots) of(root Root) *layerStore {
	if s[root] == nil {
		s[root] = &layerStore{names: map[string]string{}, layers: map[string]snapshot{}, forgotten: map[string]bool{}, unread: map[string]bool{}}
	}
	return s[root]
}

// name notes under which name a snapshotter knows a snapshot, unless that is known.
func (s snapshots) name(root Root, ns, snapshotter, key, name string) {
	in := s.of(root)
	at := snapshotter + "\x00" + clip(ns) + "\x00" + clip(key)
	if _, known := in.names[at]; !known {
		in.names[at] = name
	}
}

// readSnapshots reads the databases of a store's snapshotters.
func (l *lister) readSnapshots(s *store) {
	in := l.snapshots.of(s.root)
	for _, snapshotter := range []string{overlaySnapshotter, nativeSnapshotter} {
		name := path.Join(snapshotterDir(s.root, snapshotter), "metadata.db")
		if _, err := l.disk.Lstat(name); err != nil {
			continue
		}
		err := l.database(name, fmt.Sprintf("snapshots-%s-%d.db", snapshotter, s.number), func(tx *bolt.Tx) error {
			v1 := tx.Bucket([]byte("v1"))
			if v1 == nil {
				return nil
			}
			return eachBucket(v1.Bucket([]byte("snapshots")), func(name string, b *bolt.Bucket) error {
				if id, n := binary.Uvarint(b.Get([]byte("id"))); n > 0 {
					in.layers[snapshotter+"\x00"+name] = snapshot{id, string(b.Get([]byte("parent")))}
				}
				return nil
			})
		}, func(f *freed) { in.recover(snapshotter, f) })
		if err != nil {
			in.unread[snapshotter] = true
			l.problem(name, err)
		}
	}
}

func snapshotterDir(root Root, snapshotter string) string {
	return path.Join(root.Path, "io.containerd.snapshotter.v1."+snapshotter)
}

// layerDir is where a snapshotter keeps the files of a layer.
func layerDir(root Root, snapshotter string, id uint64) string {
	dir := path.Join(snapshotterDir(root, snapshotter), "snapshots", fmt.Sprint(id))
	if snapshotter == overlaySnapshotter {
		dir = path.Join(dir, "fs")
	}
	return dir
}

// place finds a container's layers in its containerd store.
func (l *lister) place(root Root, c *Container) {
	if c.Snapshot == "" {
		return
	}
	c.Snapshotter = cmp.Or(c.Snapshotter, overlaySnapshotter) // containerd's own choice
	chain, err := l.chainOf(root, c)
	for _, id := range chain {
		c.Layers = append(c.Layers, layerDir(root, c.Snapshotter, id))
	}
	if len(chain) > 0 {
		c.Layer = c.Layers[len(c.Layers)-1]
	}
	if err == nil && c.Snapshotter == nativeSnapshotter {
		c.Layers = []string{c.Layer}
	}
	if err == nil && c.Deleted {
		err = l.missing(c)
	}
	if err == nil {
		return
	}
	c.Layers = nil  // some are unknown: what is merged without them would be a lie
	if !c.Deleted { // the layers of a deleted container are deleted, too
		l.problem(c.Source, fmt.Errorf("layers of container %q: %w", c.ID, err))
	}
}

func (l *lister) chainOf(root Root, c *Container) ([]uint64, error) {
	if c.Snapshotter != overlaySnapshotter && c.Snapshotter != nativeSnapshotter {
		return nil, fmt.Errorf("those of snapshotter %q are not read", c.Snapshotter)
	}
	in := l.snapshots.of(root)
	name, ok := in.names[c.Snapshotter+"\x00"+c.Namespace+"\x00"+c.Snapshot]
	if !ok && c.Deleted {
		name, ok = in.guess(c)
	}
	if !ok {
		return nil, fmt.Errorf("containerd does not know its snapshot %q", c.Snapshot)
	}
	return in.chain(c.Snapshotter, name)
}

// guess finds the snapshotter's name of a deleted container's snapshot, which containerd made of namespace, number and key,
// without the record that says it.
func (s *layerStore) guess(c *Container) (string, bool) {
	found := ""
	for key := range s.layers {
		name, ok := strings.CutPrefix(key, c.Snapshotter+"\x00"+c.Namespace+"/")
		if number, rest, cut := strings.Cut(name, "/"); !ok || !cut || rest != c.Snapshot || strings.Trim(number, "0123456789") != "" {
			continue
		}
		if found != "" {
			return "", false
		}
		found = c.Namespace + "/" + name
	}
	return found, found != ""
}

// missing tells whether directories of a deleted container's layers are gone, and forgets its own layer where that is.
func (l *lister) missing(c *Container) error {
	for _, dir := range c.Layers {
		if !l.dirAt(dir) {
			if dir == c.Layer {
				c.Layer = ""
			}
			return fmt.Errorf("%s is removed", dir)
		}
	}
	return nil
}

// chain follows parents down and gives the ids of the layers, the lowest first. With an error, those that are known come
// along.
func (s *layerStore) chain(snapshotter, name string) ([]uint64, error) {
	var out []uint64
	met := map[string]bool{}
	for name != "" {
		layer, ok := s.layers[snapshotter+"\x00"+name]
		switch {
		case !ok:
			return out, fmt.Errorf("the snapshotter does not know %q", clip(name))
		case met[name]:
			return out, errors.New("they form a loop")
		case len(out) == maxChain:
			return out, fmt.Errorf("more than %d", maxChain)
		}
		met[name] = true
		out = slices.Insert(out, 0, layer.id)
		name = layer.parent
	}
	return out, nil
}

// rootless tells whether a store belongs to somebody else than root. Then its runtime was not root, and its kernel obeyed
// the attributes user.overlay.* in place of trusted.overlay.*.
func (l *lister) rootless(root Root) bool {
	info, err := l.disk.Stat(root.Path)
	if err != nil {
		return false
	}
	stat, ok := volume.StatOf(info)
	return ok && stat.UID != 0
}
