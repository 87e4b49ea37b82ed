package realnode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/firebreak-ir/firebreak/lab/process"
)

// The names of the node's processes in the group.
const (
	initName       = "node"
	containerdName = "containerd"
	kubeletName    = "kubelet"
)

// startInit makes the namespaces and mounts. The kernel undoes them with the process, the loop device included: it is
// told to detach as soon as it is mounted, which it does when the mount ends.
func (n *node) startInit(ctx context.Context) error {
	ready := filepath.Join(n.dir, "etc", "ready")
	if err := os.RemoveAll(ready); err != nil {
		return err
	}
	device, err := n.attach(ctx)
	if err != nil {
		return err
	}
	err = n.Group.Start(ctx, process.Spec{
		Name: initName, Path: "unshare",
		Args: []string{
			"--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc", "--",
			"sh", filepath.Join(n.dir, "init.sh"), n.dir, n.Bin, device, n.Name,
		},
		Ready: func(context.Context) error { return fileExists(ready) },
	})
	if err != nil {
		return err
	}
	return run(exec.CommandContext(ctx, "losetup", "--detach", device))
}

// attach makes the loop device outside of the node, whose view of this machine's own disk is read-only.
func (n *node) attach(ctx context.Context) (device string, err error) {
	if err := n.Group.OnDown(process.Cleanup{Kind: process.DetachLoop, Target: n.Image}); err != nil {
		return "", err
	}
	output, err := exec.CommandContext(ctx, "losetup", "--find", "--show", n.Image).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("losetup: %w: %s", err, strings.TrimSpace(string(output)))
	}
	return strings.TrimSpace(string(output)), nil
}

func (n *node) startContainerd(ctx context.Context) error {
	enter, err := n.enter()
	if err != nil {
		return err
	}
	return n.Group.Start(ctx, process.Spec{
		Name: containerdName, Path: enter[0], Args: append(enter[1:], "/run/bin/containerd", "--config", "/run/node/containerd.toml"), Env: nodeEnvironment(),
		Ready: func(ctx context.Context) error { return n.run(ctx, "/run/bin/ctr", "version") },
	})
}

func (n *node) loadImages(ctx context.Context) error {
	return n.run(ctx, "/run/bin/ctr", "--namespace", "k8s.io", "images", "import", "--local", "/run/node/images.tar")
}

func (n *node) startKubelet(ctx context.Context) error {
	enter, err := n.enter()
	if err != nil {
		return err
	}
	before := n.heard(ctx)
	args := append(enter[1:], "/run/bin/kubelet", "--config", "/run/node/kubelet.yaml", "--kubeconfig", "/run/node/kubeconfig",
		"--hostname-override", n.Name, "--node-ip", n.subnet.gateway().String(), "--cert-dir", "/run/kubelet-pki")
	if len(n.Labels) > 0 {
		args = append(args, "--node-labels", labelList(n.Labels))
	}
	return n.Group.Start(ctx, process.Spec{
		Name: kubeletName, Path: enter[0], Args: args, Env: nodeEnvironment(), Within: 2 * time.Minute,
		Ready: func(ctx context.Context) error { return n.heard(ctx).isReady(before) },
	})
}

// heartbeat is what the API server heard last from the node's kubelet.
type heartbeat struct {
	at      metav1.Time
	ready   bool
	message string
	err     error
}

func (n *node) heard(ctx context.Context) heartbeat {
	object, err := n.client.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{})
	if err != nil {
		return heartbeat{err: err}
	}
	for _, condition := range object.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return heartbeat{condition.LastHeartbeatTime, condition.Status == corev1.ConditionTrue, condition.Message, nil}
		}
	}
	return heartbeat{err: errors.New("the node does not say whether it is ready")}
}

// isReady says what is missing; what an earlier kubelet said does not count.
func (h heartbeat) isReady(before heartbeat) error {
	switch {
	case h.err != nil:
		return h.err
	case h.at.Equal(&before.at):
		return errors.New("nothing heard from the kubelet yet")
	case !h.ready:
		return fmt.Errorf("node is not ready: %s", h.message)
	}
	return nil
}

// enter is the beginning of a command line that runs the rest inside the node.
func (n *node) enter() ([]string, error) {
	rows, err := n.Group.Status()
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if row.Name == initName && row.Running {
			pid := strconv.Itoa(row.PID)
			return []string{"nsenter", "--target", pid, "--mount", "--uts", "--pid=/proc/" + pid + "/ns/pid_for_children", "--"}, nil
		}
	}
	return nil, errors.New("the node's first process does not run")
}

func (n *node) run(ctx context.Context, command ...string) error {
	enter, err := n.enter()
	if err != nil {
		return err
	}
	return run(exec.CommandContext(ctx, enter[0], append(enter[1:], command...)...))
}

// nodeEnvironment puts the node's programs first, where the others look for them, and keeps temporary files where the
// node has a directory for them: this machine's TMPDIR may not be there.
func nodeEnvironment() []string {
	return []string{"PATH=/run/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=/tmp"}
}

func labelList(labels map[string]string) string {
	var pairs []string
	for key, value := range labels {
		pairs = append(pairs, key+"="+value)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}
