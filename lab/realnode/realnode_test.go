package realnode_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/lab/build"
	"github.com/firebreak-ir/firebreak/lab/fixtures"
	"github.com/firebreak-ir/firebreak/lab/leaveout"
	"github.com/firebreak-ir/firebreak/lab/process"
	"github.com/firebreak-ir/firebreak/lab/realnode"
	"github.com/firebreak-ir/firebreak/lab/realnode/disk"
	"github.com/firebreak-ir/firebreak/lab/realnode/ociimage"
	"github.com/firebreak-ir/firebreak/lab/scenario"
	"github.com/firebreak-ir/firebreak/lab/scenario/clustertest"
)

const name = "ip-10-0-1-23.ec2.internal"

// One node's life: it starts, runs the shop, is broken into, is copied while it runs, is killed, and leaves nothing.
func TestNodeFromUpToDown(t *testing.T) {
	if err := realnode.Able(t.Context()); err != nil {
		leaveout.Test(t, "%v", err)
	}
	before := settings(t)
	cluster := clustertest.Start(t, "../servers", build.Servers())
	if err := realnode.Possible(t.Context(), cluster.Binaries.Dir); err != nil {
		leaveout.Test(t, "%v", err)
	}
	failHalfWay(t, cluster)
	image := filepath.Join(cluster.Group.Dir(), "volume.img")
	up(t, cluster, image)
	breakInto := attacker(t, cluster)
	intrusion := breakInto()
	snapshot := filepath.Join(t.TempDir(), "snapshot.img")
	command(t, "cp", "--sparse=always", image, snapshot)
	checkLogs(t, cluster, intrusion)
	checkSnapshot(t, snapshot, intrusion)
	for range scenario.Replicas - 1 {
		breakInto()
	}
	if again := breakInto(); again.Pod != intrusion.Pod || again.SHA256 != intrusion.SHA256 {
		t.Errorf("after all pods were attacked, the next attack is %+v; the first one was %+v", again, intrusion)
	}

	if found := leftovers(t, cluster.Group.Dir()); len(found) < 5 {
		t.Errorf("of a running node only this is found: %v", found)
	}
	if now := settings(t); now != before {
		t.Errorf("the node changed this machine's settings from\n%sto\n%s", before, now)
	}
	killAll(t, cluster)
	if err := cluster.Group.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := leftovers(t, cluster.Group.Dir()); len(left) > 0 {
		t.Errorf("left on the machine:\n%s", strings.Join(left, "\n"))
	}
}

// failHalfWay starts a node whose disk is missing, which is seen when its bridge is up already.
func failHalfWay(t *testing.T, cluster clustertest.Cluster) {
	t.Helper()
	group, err := process.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, err = realnode.Up(t.Context(), config(t, cluster, group, filepath.Join(group.Dir(), "missing.img")))
	if err == nil || !strings.Contains(err.Error(), "missing.img") {
		t.Errorf("without a disk: %v", err)
	}
	if found := leftovers(t, group.Dir()); len(found) == 0 {
		t.Error("the failure came too early to leave anything")
	}
	if err := group.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := leftovers(t, group.Dir()); len(left) > 0 {
		t.Errorf("left of a node that failed:\n%s", strings.Join(left, "\n"))
	}
}

func config(t *testing.T, cluster clustertest.Cluster, group *process.Group, image string) realnode.Config {
	return realnode.Config{
		Group: group, Bin: cluster.Binaries.Dir, Image: image, Kubeconfig: cluster.Kubelet, ClientCA: cluster.CA,
		Name: name, ProviderID: "aws:///us-east-1a/i-0123456789abcdef0", Out: t.Output(),
	}
}

func up(t *testing.T, cluster clustertest.Cluster, image string) {
	t.Helper()
	spec := disk.Spec{Path: image, Size: 2 << 30, Hostname: name, Docker: fixtures.DockerOverlay2()}
	if err := disk.Make(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	node, err := realnode.Up(t.Context(), config(t, cluster, cluster.Group, image))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("node %s is ready at %s", node.Name, node.Address)
}

// attacker seeds the shop, and gives what breaks into one of its pods.
func attacker(t *testing.T, cluster clustertest.Cluster) func() scenario.Intrusion {
	t.Helper()
	seed := scenario.Config{REST: cluster.Client(), Node: name, Image: ociimage.WebName, Out: t.Output()}
	if err := scenario.Seed(t.Context(), seed); err != nil {
		t.Fatal(err)
	}
	attack := scenario.AttackConfig{REST: cluster.Client(), Node: name, Real: true, Dir: t.TempDir(), Now: time.Now, Out: t.Output()}
	return func() scenario.Intrusion {
		t.Helper()
		intrusion, err := scenario.Attack(t.Context(), attack)
		if err != nil {
			t.Fatal(err)
		}
		return intrusion
	}
}

// checkLogs reads a pod's log through the API server, as a responder does; the readiness probes are in it.
func checkLogs(t *testing.T, cluster clustertest.Cluster, intrusion scenario.Intrusion) {
	t.Helper()
	client, err := kubernetes.NewForConfig(cluster.Client())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := client.CoreV1().Pods(scenario.Namespace).GetLogs(intrusion.Pod, &corev1.PodLogOptions{}).DoRaw(t.Context())
	if err != nil || !strings.Contains(string(raw), "response:200") {
		t.Errorf("log of %s: %v\n%s", intrusion.Pod, err, raw)
	}
}

// checkSnapshot shows that the copy is crash-consistent: what the intruder did is in the journal and nowhere else.
func checkSnapshot(t *testing.T, snapshot string, intrusion scenario.Intrusion) {
	t.Helper()
	if found := dropped(t, snapshot, intrusion); len(found) > 0 {
		t.Errorf("read without its journal, the copy shows %v already: it was taken too late, or everything was synced", found)
	}
	// e2fsck exits with 1 when it repaired something.
	if output, err := exec.CommandContext(t.Context(), "e2fsck", "-fy", snapshot).CombinedOutput(); err != nil && exitCode(err) != 1 {
		t.Fatalf("e2fsck: %v\n%s", err, output)
	}
	found := dropped(t, snapshot, intrusion)
	if len(found) != 1 {
		t.Fatalf("after recovery, the copy shows %v", found)
	}
	upper := strings.TrimSuffix(found[0], intrusion.Dropped)
	if sum := strings.Fields(command(t, "sha256sum", found[0]))[0]; sum != intrusion.SHA256 {
		t.Errorf("the dropped program has the hash %s, want %s", sum, intrusion.SHA256)
	}
	for path, want := range map[string]string{"/var/spool/cron/crontabs/root": "*/5 * * * *", "/etc/passwd": "support:x:0:0"} {
		if raw, err := os.ReadFile(upper + path); err != nil || !strings.Contains(string(raw), want) {
			t.Errorf("%s: %q, %v", path, raw, err)
		}
	}
}

// dropped copies the snapshotter's trees out of the image, without mounting it, and looks for the program in them.
func dropped(t *testing.T, image string, intrusion scenario.Intrusion) []string {
	t.Helper()
	out := t.TempDir()
	command(t, "debugfs", "-R", "rdump /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots "+out, image)
	found, err := filepath.Glob(filepath.Join(out, "snapshots", "*", "fs", intrusion.Dropped))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// killAll is the crash: every process that the lab started, in no order and without a warning.
func killAll(t *testing.T, cluster clustertest.Cluster) {
	t.Helper()
	rows, err := cluster.Group.Status()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := syscall.Kill(row.PID, syscall.SIGKILL); err != nil {
			t.Errorf("kill %s: %v", row.Name, err)
		}
	}
}

// settings are those of this machine that kubelet and containerd change where they may.
func settings(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{"vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "net/ipv4/ip_forward"} {
		raw, err := os.ReadFile("/proc/sys/" + path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %s", path, raw)
	}
	for _, path := range []string{"/opt/containerd", "/etc/cni", "/var/lib/kubelet", "/var/lib/cni"} {
		_, err := os.Stat(path)
		fmt.Fprintln(&all, path, err == nil)
	}
	return all.String()
}

// leftovers lists what of this lab is on the machine: interfaces, control groups, loop devices, mounts in anybody's
// view, and processes.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	unique := realnode.UniqueName(dir)
	var found []string
	for _, pattern := range []string{"/sys/class/net/" + unique, "/sys/fs/cgroup/" + unique, "/sys/fs/cgroup/*/" + unique} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, paths...)
	}
	for _, pattern := range []string{"/sys/block/loop*/loop/backing_file", "/proc/[0-9]*/mountinfo", "/proc/[0-9]*/cmdline", "/proc/[0-9]*/cgroup"} {
		found = append(found, mentioning(t, pattern, dir+"/", "/"+unique+"/")...)
	}
	return found
}

// mentioning lists the files that hold one of the words; those that vanish meanwhile hold none.
func mentioning(t *testing.T, pattern string, words ...string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		raw, _ := os.ReadFile(file)
		for _, word := range words {
			if strings.Contains(string(raw), word) {
				found = append(found, file)
				break
			}
		}
	}
	return found
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, output)
	}
	return string(output)
}

func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return -1
}
