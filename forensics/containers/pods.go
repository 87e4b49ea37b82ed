package containers

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Pod is a pod of which the kubelet's directories or the logs of its containers are on the disk.
type Pod struct {
	UID            string    `json:"uid"`
	Name           string    `json:"name,omitempty"`
	Namespace      string    `json:"namespace,omitempty"`
	ServiceAccount string    `json:"serviceAccount,omitempty"` // as a token on the disk says; the kubelet keeps most in memory
	Node           string    `json:"node,omitempty"`           // as a token on the disk says
	Dir            string    `json:"dir,omitempty"`            // on the disk: the kubelet's directory of the pod
	Hosts          string    `json:"hosts,omitempty"`          // on the disk: the pod's /etc/hosts
	Containers     []string  `json:"containers,omitempty"`     // names of containers that the directories tell of
	Volumes        []Volume  `json:"volumes,omitempty"`        // as the kubelet's directories tell of them
	Plugins        []string  `json:"plugins,omitempty"`        // names of volume plugins that kept something for the pod
	Logs           []Log     `json:"logs,omitempty"`
	Modified       time.Time `json:"modified,omitzero"` // of the kubelet's directory
	Known          bool      `json:"known,omitempty"`   // a container of the pod is in a runtime's store
}

// Volume is a volume of a pod. What the node had mounted there is not on this disk.
type Volume struct {
	Plugin string `json:"plugin"` // kubernetes.io/empty-dir, kubernetes.io/projected, …
	Name   string `json:"name"`
	Path   string `json:"path"` // on the disk
}

// Log is a file with what a container wrote.
type Log struct {
	Container string    `json:"container"`
	File      string    `json:"file"` // 0.log is of the first time that the container was made; rotated ones have a time and may be compressed
	Path      string    `json:"path"` // on the disk
	Size      int64     `json:"size"`
	Modified  time.Time `json:"modified,omitzero"`
}

const (
	maxPods   = 20_000
	maxInPod  = 1000 // volumes, logs and names of one pod
	maxStray  = 100_000
	emptyDirs = "kubernetes.io/empty-dir"
)

// EmptyDirs gives the directories of the pod's emptyDir volumes that are on the disk. Those in memory are not.
func (p Pod) EmptyDirs() []string {
	var out []string
	for _, v := range p.Volumes {
		if v.Plugin == emptyDirs {
			out = append(out, v.Path)
		}
	}
	return out
}

// kubelet reads the kubelet's directories and the logs of pods, at their usual places on a disk that is mounted at /,
// /var, /var/lib or /var/log.
func (l *lister) kubelet() {
	pods := map[string]*Pod{}
	for _, base := range []string{"var/lib/kubelet", "lib/kubelet", "kubelet"} {
		if !l.dirAt(base) {
			continue
		}
		l.out.Node = cmp.Or(l.out.Node, l.nodeName(base))
		for _, e := range l.list(path.Join(base, "pods")) {
			l.podDir(pods, path.Join(base, "pods", e.Name()), e)
		}
		l.checkpoints(path.Join(base, "checkpoints"))
	}
	for _, dir := range []string{"var/log/pods", "log/pods", "pods"} {
		for _, e := range l.list(dir) {
			l.podLogs(pods, path.Join(dir, e.Name()), e)
		}
	}
	known := map[string]bool{}
	for _, c := range l.out.Containers {
		known[c.PodUID] = known[c.PodUID] || !c.Deleted
	}
	for _, uid := range sortedKeys(pods) {
		pods[uid].Known = known[uid]
		l.out.Pods = append(l.out.Pods, *pods[uid])
	}
}

// list gives a directory's entries; none where there is no such directory. What cannot be read is a problem.
func (l *lister) list(dir string) []fs.DirEntry {
	entries, err := l.disk.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.problem(dir, err)
	}
	if len(entries) > maxStray {
		l.problem(dir, fmt.Errorf("%d entries; only the first %d were read", len(entries), maxStray))
		entries = entries[:maxStray]
	}
	return entries
}

func (l *lister) podOf(pods map[string]*Pod, uid, place string) *Pod {
	if p := pods[uid]; p != nil {
		return p
	}
	if len(pods) >= maxPods {
		l.problem(place, fmt.Errorf("more than %d pods", maxPods))
		return &Pod{}
	}
	pods[uid] = &Pod{UID: clip(uid)}
	return pods[uid]
}

// podDir reads the kubelet's directory of one pod, which is named for the pod's UID. A mirror pod's is a hash.
func (l *lister) podDir(pods map[string]*Pod, dir string, e fs.DirEntry) {
	if !e.IsDir() {
		l.problem(dir, fmt.Errorf("%s where a pod's directory belongs", e.Type()))
		return
	}
	p := l.podOf(pods, e.Name(), dir)
	p.Dir = dir
	if info, err := e.Info(); err == nil {
		p.Modified = l.moment(dir, info.ModTime())
	}
	if info, err := l.disk.Lstat(path.Join(dir, "etc-hosts")); err == nil && info.Mode().IsRegular() {
		p.Hosts = path.Join(dir, "etc-hosts")
	}
	for _, c := range l.few(path.Join(dir, "containers")) {
		p.Containers = append(p.Containers, clip(c.Name()))
	}
	for _, plugin := range l.few(path.Join(dir, "plugins")) {
		p.Plugins = append(p.Plugins, pluginName(plugin.Name()))
	}
	for _, plugin := range l.few(path.Join(dir, "volumes")) {
		for _, v := range l.few(path.Join(dir, "volumes", plugin.Name())) {
			if len(p.Volumes) == maxInPod {
				l.problem(dir, fmt.Errorf("more than %d volumes", maxInPod))
				return
			}
			p.Volumes = append(p.Volumes, Volume{pluginName(plugin.Name()), clip(v.Name()), path.Join(dir, "volumes", plugin.Name(), v.Name())})
		}
	}
	l.tokens(p)
}

// pluginName gives a plugin's name as Kubernetes writes it; in names of directories a tilde stands for the slash.
func pluginName(dir string) string { return clip(strings.Replace(dir, "~", "/", 1)) }

// few is list for directories that are small.
func (l *lister) few(dir string) []fs.DirEntry {
	entries := l.list(dir)
	if len(entries) > maxInPod {
		l.problem(dir, fmt.Errorf("%d entries; only the first %d were read", len(entries), maxInPod))
		entries = entries[:maxInPod]
	}
	return entries
}

// podLogs reads one directory of /var/log/pods, which is named NAMESPACE_POD_UID.
func (l *lister) podLogs(pods map[string]*Pod, dir string, e fs.DirEntry) {
	parts := strings.Split(e.Name(), "_")
	if !e.IsDir() || len(parts) != 3 || slices.Contains(parts, "") {
		l.problem(dir, fmt.Errorf("%s that is not named NAMESPACE_POD_UID", e.Type()))
		return
	}
	p := l.podOf(pods, parts[2], dir)
	p.Namespace, p.Name = cmp.Or(p.Namespace, clip(parts[0])), cmp.Or(p.Name, clip(parts[1]))
	for _, c := range l.few(dir) {
		if !c.IsDir() {
			continue
		}
		if !slices.Contains(p.Containers, clip(c.Name())) {
			p.Containers = append(p.Containers, clip(c.Name()))
		}
		for _, file := range l.few(path.Join(dir, c.Name())) {
			if len(p.Logs) == maxInPod {
				l.problem(dir, fmt.Errorf("more than %d logs", maxInPod))
				return
			}
			p.Logs = append(p.Logs, l.log(path.Join(dir, c.Name(), file.Name()), c.Name(), file))
		}
	}
	slices.Sort(p.Containers)
}

func (l *lister) log(name, container string, e fs.DirEntry) Log {
	out := Log{Container: clip(container), File: clip(e.Name()), Path: name}
	info, err := e.Info()
	if err != nil {
		l.problem(name, err)
		return out
	}
	if info.Mode().IsRegular() {
		out.Size = info.Size()
	}
	out.Modified = l.moment(name, info.ModTime())
	return out
}
