package scenario

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// alert is what falcosidekick's webhook output sends.
type alert struct {
	Hostname     string       `json:"hostname"`
	Output       string       `json:"output"`
	OutputFields outputFields `json:"output_fields"`
	Priority     string       `json:"priority"`
	Rule         string       `json:"rule"`
	Source       string       `json:"source"`
	Tags         []string     `json:"tags"`
	Time         time.Time    `json:"time"`
}

type outputFields struct {
	ContainerID     string `json:"container.id"`
	ImageRepository string `json:"container.image.repository"`
	ImageTag        string `json:"container.image.tag"`
	ContainerName   string `json:"container.name"`
	ExeFlags        string `json:"evt.arg.flags"`
	EventTime       int64  `json:"evt.time"`
	EventType       string `json:"evt.type"`
	Namespace       string `json:"k8s.ns.name"`
	Pod             string `json:"k8s.pod.name"`
	CommandLine     string `json:"proc.cmdline"`
	ExePath         string `json:"proc.exepath"`
	Process         string `json:"proc.name"`
	Parent          string `json:"proc.pname"`
	Terminal        int    `json:"proc.tty"`
	LoginUID        int    `json:"user.loginuid"`
	UserName        string `json:"user.name"`
	UserID          int    `json:"user.uid"`
}

func (cfg AttackConfig) alertPath() string { return filepath.Join(cfg.Dir, "alert.json") }

func (cfg AttackConfig) writeAlert(intrusion Intrusion, pod *corev1.Pod) error {
	raw, err := json.Marshal(newAlert(intrusion, pod.Spec.Containers[0].Image))
	if err != nil {
		return fmt.Errorf("write alert: %w", err)
	}
	return os.WriteFile(cfg.alertPath(), append(raw, '\n'), 0o600)
}

// newAlert is what Falco's rule says about the shell that the intruder opened.
func newAlert(intrusion Intrusion, image string) alert {
	repository, tag := splitImage(image)
	fields := outputFields{
		ContainerID: intrusion.ContainerID[:min(12, len(intrusion.ContainerID))], ContainerName: intrusion.Container,
		ImageRepository: repository, ImageTag: tag, ExeFlags: "EXE_WRITABLE|EXE_LOWER_LAYER",
		EventTime: intrusion.At.UnixNano(), EventType: "execve", Namespace: Namespace, Pod: intrusion.Pod,
		CommandLine: "sh", ExePath: "/bin/busybox", Process: "sh", Parent: "runc", Terminal: 34816, LoginUID: -1, UserName: "root",
	}
	return alert{
		Hostname: intrusion.Node, Output: fields.sentence(intrusion.At), OutputFields: fields, Priority: "Notice",
		Rule: "Terminal shell in container", Source: "syscall", Time: intrusion.At,
		Tags: []string{"T1059", "container", "maturity_stable", "mitre_execution", "shell"},
	}
}

// sentence is the rule's output line.
func (f outputFields) sentence(at time.Time) string {
	return fmt.Sprintf("%s: Notice A shell was spawned in a container with an attached terminal | evt_type=%s user=%s user_uid=%d "+
		"user_loginuid=%d process=%s proc_exepath=%s parent=%s command=%s terminal=%d exe_flags=%s container_id=%s container_name=%s "+
		"container_image_repository=%s container_image_tag=%s k8s_pod_name=%s k8s_ns_name=%s",
		at.Format("15:04:05.000000000"), f.EventType, f.UserName, f.UserID, f.LoginUID, f.Process, f.ExePath, f.Parent, f.CommandLine,
		f.Terminal, f.ExeFlags, f.ContainerID, f.ContainerName, f.ImageRepository, f.ImageTag, f.Pod, f.Namespace)
}

// splitImage parts a reference at the colon of its tag; one before the last slash belongs to a registry's port.
func splitImage(image string) (repository, tag string) {
	colon := strings.LastIndex(image, ":")
	if colon < strings.LastIndex(image, "/") {
		return image, "latest"
	}
	return image[:colon], image[colon+1:]
}
