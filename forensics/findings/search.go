package findings

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"
	"unicode/utf8"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/drift"
	"github.com/firebreak-ir/firebreak/forensics/overlay"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Search is a search of one file system of a node.
type Search struct {
	Disk      volume.Tree
	Partition int
	Listing   containers.Listing // of that disk
	HostPaths []Mount
	Judge     *Judge // nil: changes are handed on and not judged
	Drift     drift.Options
	// Begin is told before a container or volume is looked at, with how many come before it and how many there are; its error
	// ends the search.
	Begin func(done, total int) error
	// Orphans looks through layers that the runtime's store does not know any more, as a whole.
	Orphans bool
	// Since is from when on a change of the node's own files counts: a node has no image to hold it against. Zero: they are
	// not looked at.
	Since time.Time
	// Mounted is where the file system was mounted on its node; empty is its root.
	Mounted string
}

// Mount is a directory of the node that a pod had mounted.
type Mount struct {
	Path string // on the disk
	Of   *drift.Attribution
}

// Report is what a search came to, but for the changes themselves.
type Report struct {
	Containers int                   `json:"containers"` // compared
	Volumes    int                   `json:"volumes"`
	Entries    int                   `json:"entries"`
	Changes    map[drift.Verdict]int `json:"changes"`
	Touched    int                   `json:"touched"`
	Hashed     int64                 `json:"hashed"`
	Problems   []string              `json:"problems,omitempty"` // places that were not searched, and limits that were reached
}

// Run compares every container with its image, lists the layers that the runtime's store does not know any more, every
// emptyDir and hostPath, and looks at the node's own files that changed, in this order; each change is handed on with what
// the judge says of it. Damage and missing layers are problems; an error is what do returned, or that nobody waits.
func (s Search) Run(ctx context.Context, do func(Subject, Judgement) error) (Report, error) {
	r := &run{Search: s, ctx: ctx, do: do, out: Report{Changes: map[drift.Verdict]int{}}}
	for _, step := range []func() error{r.containers, r.orphans, r.emptyDirs, r.hostPaths, r.node} {
		if err := step(); err != nil {
			return r.out, err
		}
	}
	return r.out, nil
}

type run struct {
	Search
	ctx context.Context
	do  func(Subject, Judgement) error
	out Report
	age *LayerAge // of the layer that is looked at, if no container owns it
	end error     // what do returned
}

// found judges a change and hands it on.
func (r *run) found(place Place) func(drift.Change) error {
	return func(ch drift.Change) error {
		s := Subject{Change: ch, Place: place, Partition: r.Partition, Age: r.age}
		var j Judgement
		var err error
		if r.Judge != nil {
			j, err = r.Judge.Look(r.ctx, s)
		}
		if err == nil {
			err = r.do(s, j)
		}
		r.end = err
		return err
	}
}

// add counts a part; its error ends the run where it is not damage.
func (r *run) add(what string, sum drift.Summary, err error) error {
	for v, n := range sum.Changes {
		r.out.Changes[v] += n
	}
	r.out.Entries += sum.Entries
	r.out.Touched += sum.Touched
	r.out.Hashed += sum.Hashed
	for _, note := range sum.Notes {
		r.out.Problems = append(r.out.Problems, what+": "+note)
	}
	if stop := errors.Join(r.end, r.ctx.Err()); stop != nil {
		return stop
	}
	if err != nil {
		r.out.Problems = append(r.out.Problems, what+": "+err.Error())
	}
	return nil
}

func (r *run) begin() error {
	if r.Begin == nil {
		return nil
	}
	return r.Begin(r.out.Containers+r.out.Volumes, len(r.Listing.Containers)+len(r.HostPaths))
}

func (r *run) containers() error {
	for _, c := range r.Listing.Containers {
		if c.Layer == "" && len(c.Layers) == 0 { // a log or a record is all that is left of it
			continue
		}
		if err := r.begin(); err != nil {
			return err
		}
		sum, err := drift.Container(r.ctx, r.Disk, c, r.Drift, r.found(Container))
		if err := r.add(fmt.Sprintf("container %q", c.ID), sum, err); err != nil {
			return err
		}
		r.out.Containers++
	}
	return nil
}

// orphans lists layers that lie on the disk and that the store does not know: those of containers that were removed, and
// of images that were half unpacked. Nothing says what they lay over.
func (r *run) orphans() error {
	for _, left := range r.Listing.Leftovers {
		if !r.Orphans || left.What != "layer" {
			continue
		}
		dir := path.Join(left.Path, "fs")
		info, err := r.Disk.Lstat(dir)
		if err != nil {
			if err := r.add(fmt.Sprintf("layer %q", dir), drift.Summary{}, err); err != nil {
				return err
			}
			continue
		}
		stat, _ := volume.StatOf(info)
		r.age = &LayerAge{Created: stat.Created}
		err = r.volume(Orphan, dir, "", nil)
		r.age = nil
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) emptyDirs() error {
	for _, p := range r.Listing.Pods {
		for _, v := range p.Volumes {
			if v.Plugin != "kubernetes.io/empty-dir" {
				continue
			}
			if err := r.volume(EmptyDir, v.Path, "", drift.OfVolume(p, v)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) hostPaths() error {
	for _, h := range r.HostPaths {
		if err := r.volume(HostPath, h.Path, r.Mounted+"/"+h.Path, h.Of); err != nil {
			return err
		}
	}
	return nil
}

// volume lists a directory that no image stands behind. Paths in it are told below as.
func (r *run) volume(place Place, dir, as string, of *drift.Attribution) error {
	if err := r.begin(); err != nil {
		return err
	}
	opts, found := r.Drift, r.found(place)
	opts.Of = of
	sum, err := drift.Everything(r.ctx, overlay.Layer{Tree: r.Disk, Root: dir}, opts, func(ch drift.Change) error {
		return found(below(as, ch))
	})
	r.out.Volumes++
	return r.add(fmt.Sprintf("volume %q", dir), sum, err)
}

// below gives a change its path as it is seen from farther up.
func below(dir string, ch drift.Change) drift.Change {
	if ch.Path == "/" && dir != "" { // the place itself is a file
		ch.Path = ""
	}
	ch.Path = dir + ch.Path
	if ch.RawPath != nil || !utf8.ValidString(ch.Path) {
		ch.RawPath = []byte(ch.Path)
	}
	return ch
}

// node looks at the places of the node that the rules know.
func (r *run) node() error {
	if r.Since.IsZero() {
		return nil
	}
	opts := r.Drift
	opts.Of = &drift.Attribution{Node: r.Listing.Node}
	for _, dir := range nodePlaces() {
		if _, err := r.Disk.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		found := r.found(Node)
		opts.Since = r.Since
		sum, err := drift.Everything(r.ctx, overlay.Layer{Tree: r.Disk, Root: dir}, opts, func(ch drift.Change) error {
			return found(below(r.Mounted+"/"+dir, ch))
		})
		if err := r.add(fmt.Sprintf("directory %q of the node", dir), sum, err); err != nil {
			return err
		}
	}
	return nil
}

// nodePlaces are where an intruder settles on a node, on a disk that is mounted at / or at /var. The stores of containers
// and what kubelet writes for pods are not among them: those are looked at as containers and volumes.
func nodePlaces() []string {
	return []string{
		"etc", "root", "home", "tmp", "usr", "opt", "lib/systemd", "lib/modules", "srv", "dev", "bin", "sbin", "boot", "var/tmp", "var/spool", "var/lib/cni",
		"var/lib/kubelet/config.yaml", "var/lib/kubelet/config.json", "var/lib/kubelet/kubeconfig", "var/lib/kubelet/kubeadm-flags.env",
		"var/lib/rancher/k3s/agent/pod-manifests", "var/lib/rancher/k3s/server/manifests", "spool", "mnt",
	}
}
