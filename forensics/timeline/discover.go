package timeline

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/containers"
)

// all reads the logs at their places.
func (l *logReader) all() error {
	for _, step := range []func() error{l.allDirs, l.dockerLogs, l.histories} {
		if err := step(); err != nil && !errors.Is(err, errEnough) {
			return err
		}
	}
	return nil
}

// allDirs reads /var/log, wherever the disk is mounted on its node: as the root, at /var or at /var/log.
func (l *logReader) allDirs() error {
	for _, dir := range []string{"var/log", "log", "."} {
		for _, step := range []func(string) error{l.varLog, l.pods, l.journals, l.audits} {
			if err := step(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// reader gives how a file of /var/log is read, by its name up to the first dot or dash; nil for those that are none of ours.
func (l *logReader) reader(name string) func(*logFile) error {
	stem, _, _ := strings.Cut(name, ".")
	stem, _, _ = strings.Cut(stem, "-2") // logrotate's dates
	switch stem {
	case "syslog", "messages", "auth", "secure", "cron", "daemon", "kern", "user", "debug", "cloud-init", "dpkg", "yum", "dnf":
		return l.textLog(Syslog, Event{})
	case "kubelet", "containerd", "docker", "dockerd", "crio", "kube-proxy", "kube-apiserver":
		return l.textLog(NodeLog, Event{})
	case "wtmp":
		return l.logins(false)
	case "btmp":
		return l.logins(true)
	case "lastlog":
		return l.lastLogins
	}
	return nil
}

func (l *logReader) varLog(dir string) error {
	for _, e := range l.list(dir) {
		if read := l.reader(e.Name()); read != nil && !e.IsDir() {
			if err := l.file(path.Join(dir, e.Name()), read); err != nil {
				return err
			}
		}
	}
	return nil
}

// audits reads the logs of auditd. Those of the Kubernetes API server lie there too on some nodes, and are none of these.
func (l *logReader) audits(dir string) error {
	dir = path.Join(dir, "audit")
	for _, e := range l.list(dir) {
		if strings.HasPrefix(e.Name(), "audit.log") && !e.IsDir() {
			if err := l.file(path.Join(dir, e.Name()), l.textLog(Audit, Event{})); err != nil {
				return err
			}
		}
	}
	return nil
}

// journals reads the systemd journal: a directory for each machine id, with files that are in use, closed or were cut.
func (l *logReader) journals(dir string) error {
	dir = path.Join(dir, "journal")
	for _, machine := range l.list(dir) {
		if !machine.IsDir() {
			continue
		}
		for _, e := range l.list(path.Join(dir, machine.Name())) {
			if ext := path.Ext(e.Name()); ext != ".journal" && ext != ".journal~" {
				continue
			}
			if err := l.file(path.Join(dir, machine.Name(), e.Name()), l.journal); err != nil {
				return err
			}
		}
	}
	return nil
}

// pods reads the containers' logs that kubelet has: namespace_pod_uid/container/number.log.
func (l *logReader) pods(dir string) error {
	dir = path.Join(dir, "pods")
	for _, pod := range l.list(dir) {
		if !pod.IsDir() {
			continue
		}
		for _, container := range l.list(path.Join(dir, pod.Name())) {
			if !container.IsDir() {
				continue
			}
			if err := l.podLogs(path.Join(dir, pod.Name(), container.Name()), pod.Name(), container.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *logReader) podLogs(dir, pod, container string) error {
	about := Event{Holder: container}
	about.Space, about.Pod, _ = strings.Cut(pod, "_")
	about.Pod, _, _ = strings.Cut(about.Pod, "_")
	for _, e := range l.list(dir) {
		if !strings.Contains(e.Name(), ".log") || e.IsDir() {
			continue
		}
		name := path.Join(dir, e.Name())
		about.HolderID = l.ids[logEnd(name)]
		if err := l.file(name, l.podLog(about)); err != nil {
			return err
		}
	}
	return nil
}

// dockerLogs reads what Docker's json-file driver has kept beside each container's configuration.
func (l *logReader) dockerLogs() error {
	about := map[string]containers.Container{}
	for _, c := range l.Listing.Containers {
		about[c.ID] = c
	}
	for _, root := range l.Listing.Roots {
		if root.Kind != containers.Docker {
			continue
		}
		dir := path.Join(root.Path, "containers")
		for _, e := range l.list(dir) {
			if !e.IsDir() {
				continue
			}
			if err := l.dockerLogsOf(path.Join(dir, e.Name()), aboutContainer(about[e.Name()], e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *logReader) dockerLogsOf(dir string, about Event) error {
	for _, e := range l.list(dir) {
		if !strings.Contains(e.Name(), "-json.log") || e.IsDir() {
			continue
		}
		if err := l.file(path.Join(dir, e.Name()), l.dockerLog(about)); err != nil {
			return err
		}
	}
	return nil
}

func aboutContainer(c containers.Container, id string) Event {
	return Event{HolderID: id, Holder: c.Name, Pod: c.Pod, Space: c.PodNamespace}
}

// histories reads the shell histories of the node's users, and those in the containers' own layers.
func (l *logReader) histories() error {
	if err := l.historiesBelow(".", Event{}); err != nil {
		return err
	}
	for _, c := range l.Listing.Containers {
		if c.Layer == "" {
			continue
		}
		if err := l.historiesBelow(c.Layer, aboutContainer(c, c.ID)); err != nil {
			return err
		}
	}
	return nil
}

func (l *logReader) historiesBelow(root string, about Event) error {
	var homes []string
	if l.isDir(path.Join(root, "root")) {
		homes = append(homes, path.Join(root, "root"))
	}
	if home := path.Join(root, "home"); l.isDir(home) {
		for _, e := range l.list(home) {
			if e.IsDir() {
				homes = append(homes, path.Join(home, e.Name()))
			}
		}
	}
	for _, home := range homes {
		for _, name := range []string{".bash_history", ".zsh_history", ".ash_history", ".sh_history"} {
			if err := l.file(path.Join(home, name), l.history(about)); err != nil {
				return err
			}
		}
	}
	return nil
}

// isDir tells a directory from a link to one: that may lead out of the layer.
func (l *logReader) isDir(name string) bool {
	info, err := l.disk.Lstat(name)
	return err == nil && info.Mode()&fs.ModeType == fs.ModeDir
}
