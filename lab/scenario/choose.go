package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// caseLabel is how a responder marks what belongs to a case.
const caseLabel = "firebreak/case"

// choose picks a pod of the Deployment that no case holds, one that was never attacked if there is one.
func (cfg AttackConfig) choose(ctx context.Context, client kubernetes.Interface) (*corev1.Pod, error) {
	attacked, err := cfg.attacked()
	if err != nil {
		return nil, err
	}
	pods, err := client.CoreV1().Pods(Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var again *corev1.Pod
	held := map[string]bool{}
	for i := range pods.Items {
		pod := &pods.Items[i]
		switch id, isHeld := heldBy(pod); {
		case isHeld:
			held[id] = true
		case !cfg.attackable(pod):
		case !attacked[string(pod.UID)]:
			return pod, nil
		case again == nil:
			again = pod
		}
	}
	if again != nil {
		return again, nil
	}
	return nil, noCleanPod(cfg.Node, slices.Sorted(maps.Keys(held)))
}

// heldBy finds the case that a pod belongs to.
func heldBy(pod *corev1.Pod) (id string, held bool) {
	if id, held = pod.Labels[caseLabel]; !held {
		id, held = pod.Annotations[caseLabel]
	}
	return id, held
}

// attackable says whether a pod is a running one of the Deployment: one that was isolated lost its owner.
func (cfg AttackConfig) attackable(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == "ReplicaSet" && strings.HasPrefix(owner.Name, Deployment+"-") &&
		pod.Labels["app"] == selector()["app"] && pod.Spec.NodeName == cfg.Node && ready(pod) && len(pod.Status.ContainerStatuses) > 0
}

func noCleanPod(node string, cases []string) error {
	if len(cases) == 0 {
		return fmt.Errorf("no pod of %s/%s is ready on node %q; see: kubectl -n %s get pods -o wide", Namespace, Deployment, node, Namespace)
	}
	return fmt.Errorf("no clean pod of %s/%s is left on node %q; give one back with: firebreak undo %s",
		Namespace, Deployment, node, strings.Join(cases, "   or: firebreak undo "))
}

func (cfg AttackConfig) journalPath() string { return filepath.Join(cfg.Dir, "attacks.jsonl") }

// journal notes the attack before it happens.
func (cfg AttackConfig) journal(intrusion Intrusion) error {
	line, err := json.Marshal(intrusion)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(cfg.journalPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Close())
}

// attacked is the set of pods that were attacked, by UID.
func (cfg AttackConfig) attacked() (map[string]bool, error) {
	raw, err := os.ReadFile(cfg.journalPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	uids := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		var intrusion Intrusion
		if err := json.Unmarshal([]byte(line), &intrusion); err != nil {
			return nil, fmt.Errorf("read %q: %w", cfg.journalPath(), err)
		}
		uids[intrusion.PodUID] = true
	}
	return uids, nil
}
