package containers

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Leftover is a directory that belongs to a container or layer which the store does not know any more.
type Leftover struct {
	Path     string    `json:"path"` // on the disk
	What     string    `json:"what"` // layer, cri, docker, pod or logs
	ID       string    `json:"id,omitempty"`
	Modified time.Time `json:"modified,omitzero"`
}

const maxLeftovers = 20_000

// leftovers looks for what outlives its container, and makes containers of what has an id or a log.
func (l *lister) leftovers() {
	known := map[string]bool{}
	for _, c := range l.out.Containers {
		known[c.ID] = true
	}
	for _, root := range l.out.Roots {
		if root.Kind == Docker {
			l.strayMounts(root, known)
			continue
		}
		l.strayLayers(root)
		l.strayCRI(root, known)
	}
	l.strayPods(known)
}

func (l *lister) leave(dir, what, id string) {
	if len(l.out.Leftovers) >= maxLeftovers {
		if len(l.out.Leftovers) == maxLeftovers {
			l.problem(dir, fmt.Errorf("more than %d leftover directories", maxLeftovers))
		}
		return
	}
	left := Leftover{Path: dir, What: what, ID: clip(id)}
	if info, err := l.disk.Lstat(dir); err == nil {
		left.Modified = l.moment(dir, info.ModTime())
	}
	l.out.Leftovers = append(l.out.Leftovers, left)
}

// strayLayers finds layers of the overlay snapshotter that its database does not have.
func (l *lister) strayLayers(root Root) {
	in := l.snapshots.of(root)
	for _, snapshotter := range []string{overlaySnapshotter, nativeSnapshotter} {
		if in.unread[snapshotter] { // nothing tells which are known
			continue
		}
		ids := map[uint64]bool{}
		for key, layer := range in.layers {
			if strings.HasPrefix(key, snapshotter+"\x00") && !in.forgotten[key] {
				ids[layer.id] = true
			}
		}
		dir := path.Join(snapshotterDir(root, snapshotter), "snapshots")
		for _, e := range l.list(dir) {
			id, err := strconv.ParseUint(e.Name(), 10, 64)
			if err == nil && e.IsDir() && !ids[id] || err != nil && e.IsDir() {
				l.leave(path.Join(dir, e.Name()), "layer", "")
			}
		}
	}
}

// strayCRI finds the CRI plugin's directories of containers that are deleted. Their status files still say how they ended.
func (l *lister) strayCRI(root Root, known map[string]bool) {
	dir := path.Join(root.Path, criDir, "containers")
	for _, e := range l.list(dir) {
		id := clip(e.Name())
		if !e.IsDir() || known[id] {
			continue
		}
		known[id] = true
		l.leave(path.Join(dir, e.Name()), "cri", id)
		c := Container{ID: id, Namespace: "k8s.io", Runtime: string(Containerd), Source: path.Join(dir, e.Name()), Deleted: true}
		l.status(root, &c)
		l.add(c)
	}
}

// strayMounts finds layers of Docker's containers whose configuration is gone. Where the containerd below Docker still has
// the container, they are its layers: whoever removed the configuration did not remove the container.
func (l *lister) strayMounts(root Root, known map[string]bool) {
	const driver = "overlay2"
	dir := path.Join(root.Path, "image", driver, "layerdb/mounts")
	for _, e := range l.list(dir) {
		id := clip(e.Name())
		i := slices.IndexFunc(l.out.Containers, func(c Container) bool { return c.ID == id && c.Namespace == "moby" && len(c.Layers) == 0 })
		if !e.IsDir() || known[id] && i < 0 {
			continue
		}
		known[id] = true
		l.leave(path.Join(dir, e.Name()), "docker", id)
		c := Container{ID: id, Runtime: string(Docker), Source: path.Join(dir, e.Name()), Deleted: true}
		if i >= 0 {
			c = l.out.Containers[i]
		}
		c.Rootless = l.rootless(root)
		l.dockerLayers(root, driver, e.Name(), &c)
		if i < 0 {
			l.add(c)
		} else {
			l.out.Containers[i] = c
		}
	}
}

// strayPods makes containers of the logs of pods that no runtime knows. The links in /var/log/containers, which are named
// POD_NAMESPACE_CONTAINER-ID.log, still have their ids.
func (l *lister) strayPods(known map[string]bool) {
	ids := l.loggedIDs()
	for _, p := range l.out.Pods {
		if p.Known {
			continue
		}
		if p.Dir != "" {
			l.leave(p.Dir, "pod", p.UID)
		}
		told := map[string]bool{}
		for _, c := range l.out.Containers {
			if c.PodUID == p.UID {
				told[c.Name] = true
			}
		}
		for _, log := range p.Logs {
			if told[log.Container] {
				continue
			}
			told[log.Container] = true
			id := ids[p.Name+"_"+p.Namespace+"_"+log.Container]
			if known[id] {
				id = ""
			}
			l.leave(path.Dir(log.Path), "logs", id)
			l.add(Container{
				ID: id, Name: log.Container, Pod: p.Name, PodNamespace: p.Namespace, PodUID: p.UID, Runtime: l.nodesRuntime(), Log: log.Path,
				Source: path.Dir(log.Path), Deleted: true,
			})
		}
	}
}

// nodesRuntime is what a pod's containers ran in, where only one runtime is on the disk.
func (l *lister) nodesRuntime() string {
	kinds := []string{}
	for _, r := range l.out.Roots {
		kinds = append(kinds, string(r.Kind))
	}
	slices.Sort(kinds)
	if kinds = slices.Compact(kinds); len(kinds) == 1 {
		return kinds[0]
	}
	return ""
}

func (l *lister) loggedIDs() map[string]string {
	out := map[string]string{}
	for _, dir := range []string{"var/log/containers", "log/containers", "containers"} {
		for _, e := range l.list(dir) {
			name, ok := strings.CutSuffix(e.Name(), ".log")
			i := strings.LastIndexByte(name, '-')
			if ok && i > 0 && len(name)-i-1 == 64 {
				out[clip(name[:i])] = clip(name[i+1:])
			}
		}
	}
	return out
}
