package live

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
)

// Probe is how a running pod is looked into: an ephemeral container of our own image, which shares the process namespace of
// the container it looks at and needs no program of it. It cannot be taken off the pod again, only the pod can.
type Probe struct {
	Image    string        // holds /bin/busybox; DefaultImage when empty
	Patience time.Duration // until the node has started it; 90 s when zero
}

// DefaultImage is used where the configuration names none.
const DefaultImage = "docker.io/library/busybox:stable"

// What a probe may take, and print.
const (
	defaultPatience = 90 * time.Second
	lookEvery       = 300 * time.Millisecond
	maxPrinted      = 9 << 20 // below the size at which kubelets rotate a container's log
)

// looking is one look into a pod: a fixed script, run beside some of its containers.
type looking struct {
	Probe
	k       kubernetes.Interface
	call    activities.Call
	pod     PodRef
	purpose string // part of the name of the ephemeral containers
	script  string // never built from what an alert or a playbook says
}

// printed is what a script printed beside one container, or why it did not.
type printed struct {
	container string
	text      []byte
	ended     time.Time
	why       string
}

// name is the same on every attempt: a second one finds the container of the first.
func (l looking) name(container string) string {
	sum := sha256.Sum256([]byte(l.call.Key + "\x00" + l.call.Step + "\x00" + l.pod.UID + "\x00" + container))
	return "firebreak-" + l.purpose + "-" + hex.EncodeToString(sum[:5])
}

func (l looking) image() string {
	if l.Image != "" {
		return l.Image
	}
	return DefaultImage
}

// beside runs the script beside each of the containers and waits until all have ended or cannot start.
func (l looking) beside(ctx context.Context, pod *corev1.Pod, containers []string) ([]printed, error) {
	if err := l.start(ctx, pod, containers); err != nil {
		return nil, err
	}
	ended, err := l.wait(ctx, containers)
	if err != nil {
		return nil, err
	}
	for i, p := range ended {
		if p.why != "" {
			continue
		}
		if ended[i].text, err = l.read(ctx, l.name(p.container)); err != nil {
			return nil, err
		}
	}
	return ended, nil
}

// start adds the ephemeral containers that are not there yet. The UID in the patch keeps it off another pod of that name.
func (l looking) start(ctx context.Context, pod *corev1.Pod, containers []string) error {
	var add []corev1.EphemeralContainer
	for _, c := range containers {
		if !slices.ContainsFunc(pod.Spec.EphemeralContainers, func(e corev1.EphemeralContainer) bool { return e.Name == l.name(c) }) {
			add = append(add, l.container(pod, c))
		}
	}
	if len(add) == 0 {
		return nil
	}
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": l.pod.UID}, "spec": map[string]any{"ephemeralContainers": add},
	})
	if err != nil {
		return fmt.Errorf("ephemeral containers of %s: %w", l.pod, err)
	}
	options := metav1.PatchOptions{FieldManager: "firebreak"}
	if l.call.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	_, err = l.k.CoreV1().Pods(l.pod.Namespace).Patch(ctx, l.pod.Name, types.StrategicMergePatchType, body, options, "ephemeralcontainers")
	switch {
	case err == nil:
		return nil
	case apierrors.IsInvalid(err):
		return activities.Permanent(activities.Unsupported, fmt.Errorf("add an ephemeral container to %s: %w", l.pod, err),
			"a static pod takes none; look into it from its node")
	}
	return request{"patch", "pods/ephemeralcontainers", l.pod.Namespace, l.pod.Name}.explain(err)
}

// container has the rights of the container it looks at, neither more nor fewer: what that one was admitted with, this one
// is too, and it may read that one's processes.
func (l looking) container(pod *corev1.Pod, target string) corev1.EphemeralContainer {
	return corev1.EphemeralContainer{
		TargetContainerName: target,
		EphemeralContainerCommon: corev1.EphemeralContainerCommon{
			Name: l.name(target), Image: l.image(), ImagePullPolicy: corev1.PullIfNotPresent,
			Command: []string{"/bin/busybox", "sh", "-c", verbatim(l.script)}, SecurityContext: rightsOf(pod, target),
		},
	}
}

// verbatim keeps Kubernetes from reading $(NAME) and $$ in a command.
func verbatim(script string) string { return strings.ReplaceAll(script, "$", "$$") }

// nobody is who runs where root must not and the pod does not say who may.
const nobody = 65534

func rightsOf(pod *corev1.Pod, target string) *corev1.SecurityContext {
	rights := &corev1.SecurityContext{}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if c.Name == target && c.SecurityContext != nil {
			rights = c.SecurityContext.DeepCopy()
		}
	}
	whole := pod.Spec.SecurityContext
	if whole == nil {
		whole = &corev1.PodSecurityContext{}
	}
	notRoot := isTrue(rights.RunAsNonRoot) || rights.RunAsNonRoot == nil && isTrue(whole.RunAsNonRoot)
	if notRoot && rights.RunAsUser == nil && whole.RunAsUser == nil {
		user := int64(nobody)
		rights.RunAsUser = &user
	}
	return rights
}

func isTrue(b *bool) bool { return b != nil && *b }

// wait looks at the pod until every container has ended, or has not started within the probe's patience.
func (l looking) wait(ctx context.Context, containers []string) ([]printed, error) {
	patience := l.Patience
	if patience == 0 {
		patience = defaultPatience
	}
	for begun := time.Now(); ; {
		pod, err := getPod(ctx, l.k, l.pod)
		if err != nil {
			return nil, err
		}
		ended, waiting := l.states(pod, containers, time.Since(begun) > patience)
		if !waiting {
			return ended, nil
		}
		activities.Report(ctx, activities.Progress{Message: "waiting for the node to run " + l.image() + " in " + l.pod.String()})
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("look into %s: %w", l.pod, ctx.Err())
		case <-time.After(lookEvery):
		}
	}
}

func (l looking) states(pod *corev1.Pod, containers []string, late bool) (all []printed, waiting bool) {
	for _, c := range containers {
		p := printed{container: c}
		switch state := stateOf(pod, l.name(c)); {
		case state.Terminated != nil:
			p.ended, p.why = state.Terminated.FinishedAt.Time, failed(state.Terminated)
		case state.Running == nil && late:
			p.why = "the node did not start an ephemeral container in time" + said(state.Waiting)
		case state.Waiting != nil && hopeless(state.Waiting.Reason):
			p.why = "the node cannot start an ephemeral container" + said(state.Waiting)
		default:
			waiting = true
		}
		all = append(all, p)
	}
	return all, waiting
}

func stateOf(pod *corev1.Pod, name string) corev1.ContainerState {
	for _, s := range pod.Status.EphemeralContainerStatuses {
		if s.Name == name {
			return s.State
		}
	}
	return corev1.ContainerState{}
}

func failed(t *corev1.ContainerStateTerminated) string {
	if t.ExitCode == 0 {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("the ephemeral container ended with code %d: %s %s", t.ExitCode, t.Reason, t.Message))
}

func said(w *corev1.ContainerStateWaiting) string {
	if w == nil {
		return ""
	}
	return fmt.Sprintf(": %s %s", w.Reason, w.Message)
}

// hopeless tells the reasons that waiting does not mend.
func hopeless(reason string) bool {
	return slices.Contains([]string{"InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError"}, reason)
}

var errTooMuch = errors.New("the ephemeral container printed too much")

func (l looking) read(ctx context.Context, name string) ([]byte, error) {
	body, err := l.k.CoreV1().Pods(l.pod.Namespace).GetLogs(l.pod.Name, &corev1.PodLogOptions{Container: name}).Stream(ctx)
	if err != nil {
		return nil, request{"get", "pods/log", l.pod.Namespace, l.pod.Name}.explain(err)
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxPrinted+1))
	if err == nil && len(text) > maxPrinted {
		err = errTooMuch
	}
	if err != nil {
		return nil, fmt.Errorf("read what was found in %s: %w", l.pod, err)
	}
	_, err = getPod(ctx, l.k, l.pod) // the log was asked for by the pod's name
	return text, err
}

// running names the containers that run now; ephemeral ones share the process namespace of one of these.
func running(pod *corev1.Pod) (names []string, others []Unseen) {
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		switch {
		case s.State.Running != nil:
			names = append(names, s.Name)
		case s.State.Waiting != nil:
			others = append(others, Unseen{s.Name, "it does not run" + said(s.State.Waiting)})
		case !isInit(pod, s.Name):
			others = append(others, Unseen{s.Name, "it does not run"})
		}
	}
	return names, others
}

func isInit(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == name })
}

// Unseen is a container that could not be looked into.
type Unseen struct {
	Container string `json:"container" doc:"The container's name"`
	Why       string `json:"why" doc:"Why not"`
}
