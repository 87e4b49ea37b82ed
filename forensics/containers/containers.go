// Package containers lists the containers that ran on a node from the node's disk: those of containerd (Kubernetes, Docker
// from version 29 on, others) and those of Docker's own store. Every word of it may be an attacker's.
package containers

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Disk is an image's file system, such as *ext4.FS. Links are followed inside the image only.
type Disk = volume.Tree

// Container is one container. Times are zero where the disk does not say.
type Container struct {
	ID             string            `json:"id"` // empty where only a log or a layer is left of it
	Name           string            `json:"name,omitempty"`
	Image          string            `json:"image,omitempty"`
	ImageDigest    string            `json:"imageDigest,omitempty"` // of the image's manifest, or of its configuration where the disk says no other
	State          string            `json:"state,omitempty"`       // created, running or exited, when the disk was taken
	ExitCode       *int              `json:"exitCode,omitempty"`
	Pod            string            `json:"pod,omitempty"`
	PodNamespace   string            `json:"podNamespace,omitempty"`
	PodUID         string            `json:"podUID,omitempty"`
	ServiceAccount string            `json:"serviceAccount,omitempty"` // of its pod, as a token on the disk says
	Node           string            `json:"node,omitempty"`           // as the kubelet's own credentials on the disk say, or the host's name
	Sandbox        bool              `json:"sandbox,omitempty"`        // the pod's pause container
	SandboxID      string            `json:"sandboxID,omitempty"`
	Attempt        int               `json:"attempt,omitempty"` // how often the kubelet has made it anew before
	Runtime        string            `json:"runtime"`           // containerd or docker
	Namespace      string            `json:"namespace,omitempty"`
	Created        time.Time         `json:"created,omitzero"`
	Started        time.Time         `json:"started,omitzero"`
	Finished       time.Time         `json:"finished,omitzero"`
	Labels         map[string]string `json:"labels,omitempty"`
	Snapshotter    string            `json:"snapshotter,omitempty"`
	Snapshot       string            `json:"snapshot,omitempty"` // snapshot key
	Layer          string            `json:"layer,omitempty"`    // on the disk: where the container's own changes lie
	Layers         []string          `json:"layers,omitempty"`   // on the disk: all that it is merged from, the lowest first, its own last
	Rootless       bool              `json:"rootless,omitempty"` // its runtime was not root: its layers are marked with user.overlay.*
	Log            string            `json:"log,omitempty"`      // on the node, as the runtime says
	Source         string            `json:"source"`             // on the disk: where this was read

	Deleted   bool   `json:"deleted,omitempty"`   // the runtime's store does not know it any more
	Recovered bool   `json:"recovered,omitempty"` // read from freed pages of the store's database
	Page      uint64 `json:"page,omitempty"`      // of a recovered one: the page of its record in Source
}

// Listing is what a disk holds.
type Listing struct {
	Containers  []Container  `json:"containers"`
	Pods        []Pod        `json:"pods,omitempty"`
	Checkpoints []Checkpoint `json:"checkpoints,omitempty"`
	Leftovers   []Leftover   `json:"leftovers,omitempty"`
	Roots       []Root       `json:"roots"`
	Node        string       `json:"node,omitempty"`     // the node's name in its cluster, as the kubelet's own credentials say, or the host's name
	Problems    []string     `json:"problems,omitempty"` // what could not be read, and where
}

// Limits of what is read from one disk.
const (
	maxContainers = 100_000
	maxProblems   = 1000
	maxText       = 1024
	maxLabels     = 100
	maxJSON       = 4 << 20
	maxDatabase   = 512 << 20
)

// List finds the stores on the disk and lists their containers, those that are deleted last: by runtime, namespace, time
// of creation and id. scratch is an empty directory on this machine for copies of databases. Damage is listed under
// Problems; an error is a failure of this machine.
func List(ctx context.Context, disk Disk, scratch string) (Listing, error) {
	l := &lister{ctx: ctx, disk: disk, scratch: scratch, snapshots: snapshots{}}
	if err := l.findRoots(); err != nil {
		return Listing{}, err
	}
	for _, kind := range []Kind{Containerd, Docker} { // Docker may keep its containers' layers in containerd
		for i, root := range l.out.Roots {
			if err := ctx.Err(); err != nil {
				return Listing{}, err
			}
			switch {
			case root.Kind != kind:
			case kind == Docker:
				l.docker(root)
			default:
				l.containerd(root, i)
			}
		}
	}
	l.out.Containers = withoutShims(l.out.Containers)
	l.kubelet()
	l.leftovers()
	Attach(l.out.Containers, l.out.Pods, l.out.Node)
	slices.SortStableFunc(l.out.Containers, order)
	return l.out, ctx.Err()
}

// Attach tells containers what the kubelet's directories say of their pods and of the node, which may lie on another
// file system than the containers.
func Attach(all []Container, pods []Pod, node string) {
	byUID := map[string]Pod{}
	for _, p := range pods {
		byUID[p.UID] = p
	}
	for i := range all {
		c := &all[i]
		if c.PodUID == "" {
			continue
		}
		p := byUID[c.PodUID]
		c.ServiceAccount = cmp.Or(c.ServiceAccount, p.ServiceAccount)
		c.Node = cmp.Or(c.Node, node, p.Node)
		c.Pod, c.PodNamespace = cmp.Or(c.Pod, p.Name), cmp.Or(c.PodNamespace, p.Namespace)
	}
}

// Roots finds the stores on the disk, and says what of the disk could not be searched.
func Roots(ctx context.Context, disk Disk) ([]Root, []string, error) {
	l := &lister{ctx: ctx, disk: disk}
	err := l.findRoots()
	return l.out.Roots, l.out.Problems, err
}

// withoutShims leaves out what containerd keeps for the Docker Engine's own containers: Docker's store says more of them.
// One that Docker's store no longer knows stays in the list.
func withoutShims(all []Container) []Container {
	docker := map[string]bool{}
	for _, c := range all {
		if c.Runtime == string(Docker) && !c.Deleted {
			docker[c.ID] = true
		}
	}
	return slices.DeleteFunc(all, func(c Container) bool {
		return c.Runtime == string(Containerd) && c.Namespace == "moby" && docker[c.ID]
	})
}

func order(a, b Container) int {
	if a.Deleted != b.Deleted {
		if a.Deleted {
			return 1
		}
		return -1
	}
	return cmp.Or(
		strings.Compare(a.Runtime+"\x00"+a.Namespace, b.Runtime+"\x00"+b.Namespace),
		a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID), strings.Compare(a.Source, b.Source),
	)
}

type lister struct {
	ctx     context.Context
	disk    Disk
	scratch string
	out     Listing

	snapshots snapshots // of all containerd stores
}

func (l *lister) problem(place string, err error) {
	if len(l.out.Problems) < maxProblems {
		l.out.Problems = append(l.out.Problems, clip(place+": "+err.Error()))
	}
}

func (l *lister) add(c Container) {
	if len(l.out.Containers) == maxContainers {
		l.problem(c.Source, fmt.Errorf("more than %d containers", maxContainers))
	}
	if len(l.out.Containers) < maxContainers {
		l.out.Containers = append(l.out.Containers, c)
	}
}

// small reads a regular file of the disk whole.
func (l *lister) small(name string) ([]byte, error) {
	info, err := l.disk.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxJSON {
		return nil, fmt.Errorf("%s of %d bytes is not the small file that belongs here", info.Mode().Type(), info.Size())
	}
	return l.bytes(name)
}

// bytes reads a file, whose kind and size were looked at.
func (l *lister) bytes(name string) ([]byte, error) {
	f, err := l.disk.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxJSON))
}

// clip bounds a text of the disk and makes it valid UTF-8.
func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// plain tells names that are one element of a path.
func plain(id string) bool {
	return id != "" && id != "." && id != ".." && !strings.ContainsAny(id, "/\x00")
}
