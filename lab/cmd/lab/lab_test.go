package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/firebreak-ir/firebreak/lab"
)

// build gives the lab's program: the one that `make test` built, or one of this test's own.
func build(t *testing.T) string {
	t.Helper()
	if made := os.Getenv("FIREBREAK_LAB_PROGRAM"); made != "" {
		return made
	}
	path := filepath.Join(t.TempDir(), "lab")
	output, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	return path
}

// labs runs the program on one directory.
type labs struct {
	t            *testing.T
	program, dir string
}

func newLab(t *testing.T) labs {
	l := labs{t: t, program: build(t), dir: filepath.Join(t.TempDir(), "lab")}
	t.Cleanup(func() { l.run("down") })
	return l
}

func (l labs) command(args ...string) *exec.Cmd {
	cmd := exec.Command(l.program, append(args, "--dir", l.dir, "--name", "e2e")...)
	cmd.Stderr = l.t.Output()
	return cmd
}

// run answers what the program printed, and its exit code.
func (l labs) run(args ...string) (string, int) {
	l.t.Helper()
	output, err := l.command(args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(output), exit.ExitCode()
	}
	if err != nil {
		l.t.Errorf("lab %q: %v", args, err)
	}
	return string(output), 0
}

func (l labs) ok(args ...string) string {
	l.t.Helper()
	output, code := l.run(args...)
	if code != exitOK {
		l.t.Fatalf("lab %q: exit code %d\n%s", args, code, output)
	}
	return output
}

// left lists the processes that carry this lab's marker.
func (l labs) left() []string {
	l.t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		l.t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		environ, _ := os.ReadFile(file)
		if bytes.Contains(environ, []byte("FIREBREAK_LAB_CHILD="+l.dir+"#")) {
			found = append(found, file)
		}
	}
	return found
}

func TestUpStatusDown(t *testing.T) {
	l := newLab(t)
	if out, code := l.run("status"); code != exitNotUp {
		t.Errorf("status before up: exit code %d\n%s", code, out)
	}
	l.ok("up", "--no-real-node")
	var state lab.State
	decode(t, l.ok("status", "--output", "json"), &state)
	if !state.Up || len(state.Processes) < 7 {
		t.Errorf("status: %+v", state)
	}
	var d lab.Description
	decode(t, l.ok("env", "--output", "json"), &d)
	clusterWorks(t, d)
	serversAnswer(t, d)
	if out := l.ok("up", "--no-real-node"); !strings.Contains(out, "up already") {
		t.Errorf("second up: %s", out)
	}
	var after lab.State
	if decode(t, l.ok("status", "--output", "json"), &after); after.Processes[0].PID != state.Processes[0].PID {
		t.Error("the second up started something")
	}
	shellTakesEnv(t, l, d)
	l.ok("down")
	everythingIsGone(t, l, state, d)
	if out := l.ok("down"); !strings.Contains(out, "was not up") {
		t.Errorf("second down: %s", out)
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// clusterWorks reads nodes and a kwok pod's log as the administrator, and asks who the worker is.
func clusterWorks(t *testing.T, d lab.Description) {
	t.Helper()
	admin := client(t, d.Kubernetes.Admin)
	nodes, err := admin.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(nodes.Items) != len(d.Nodes) || len(d.Nodes) < 4 {
		t.Fatalf("%d nodes, described are %d, %v", len(nodes.Items), len(d.Nodes), err)
	}
	for _, node := range nodes.Items {
		if !strings.HasPrefix(node.Spec.ProviderID, "aws:///us-east-1a/i-") {
			t.Errorf("node %q has provider id %q", node.Name, node.Spec.ProviderID)
		}
	}
	log, err := admin.CoreV1().Pods(d.Scenario.Namespace).GetLogs(d.Scenario.Pod, &corev1.PodLogOptions{Container: d.Scenario.Container}).DoRaw(t.Context())
	if err != nil || !strings.Contains(string(log), "GET /cart") {
		t.Errorf("log of %q: %v\n%s", d.Scenario.Pod, err, log)
	}
	_, err = client(t, d.Kubernetes.Worker).CoreV1().Secrets(metav1.NamespaceSystem).List(t.Context(), metav1.ListOptions{})
	if err == nil || !strings.Contains(err.Error(), "system:serviceaccount:firebreak:firebreak-worker") {
		t.Errorf("the worker reads kube-system's secrets: %v", err)
	}
}

func client(t *testing.T, kubeconfig string) kubernetes.Interface {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return kubernetes.NewForConfigOrDie(config)
}

func serversAnswer(t *testing.T, d lab.Description) {
	t.Helper()
	for _, address := range []string{d.Temporal.UI + "/healthz", d.AWS.Faults} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Error(err)
			continue
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("GET %s: %s", address, response.Status)
		}
	}
}

func shellTakesEnv(t *testing.T, l labs, d lab.Description) {
	t.Helper()
	script := l.ok("env") + "\necho $TEMPORAL_ADDRESS $KUBECONFIG $AWS_ENDPOINT_URL"
	output, err := exec.Command("sh", "-c", script).Output()
	if want := d.Temporal.Address + " " + d.Kubernetes.Admin + " " + d.AWS.Endpoint + "\n"; err != nil || string(output) != want {
		t.Errorf("the shell got %q, want %q, %v", output, want, err)
	}
}

func everythingIsGone(t *testing.T, l labs, state lab.State, d lab.Description) {
	t.Helper()
	if left := l.left(); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
	for _, row := range state.Processes {
		if stat, err := os.ReadFile("/proc/" + strconv.Itoa(row.PID) + "/stat"); err == nil && !strings.Contains(string(stat), ") Z ") {
			t.Errorf("%s still runs as %d", row.Name, row.PID)
		}
	}
	for _, address := range []string{d.Temporal.Address, host(t, d.Temporal.UI), host(t, d.Kubernetes.Server), host(t, d.AWS.Endpoint)} {
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			_ = conn.Close()
			t.Errorf("somebody still listens on %s", address)
		}
	}
	left, err := filepath.Glob(filepath.Join(l.dir, "*"))
	for _, path := range left {
		switch filepath.Base(path) {
		case "logs", "state.json", "state.json.lock", "up.lock":
		default:
			t.Errorf("left behind: %q", path)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

func host(t *testing.T, address string) string {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Host
}

func TestDownAfterUpWasKilled(t *testing.T) {
	l := newLab(t)
	up := l.command("up", "--no-real-node")
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(3 * time.Minute)
	for len(l.left()) < 3 && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	if err := up.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = up.Wait() // it was killed
	if len(l.left()) == 0 {
		t.Fatal("nothing ran when `lab up` was killed")
	}
	l.ok("down")
	if left := l.left(); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
}

func TestUpThatFailsSaysWhyAndTakesDownWhatItStarted(t *testing.T) {
	l := newLab(t)
	manifests := filepath.Join(t.TempDir(), "rbac.yaml")
	if err := os.WriteFile(manifests, []byte("apiVersion: v1\nkind: Nonsense\nmetadata: {name: x}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var complaint bytes.Buffer
	up := l.command("up", "--no-real-node", "--no-ui", "--manifests", manifests)
	up.Stderr = &complaint
	if err := up.Run(); err == nil || up.ProcessState.ExitCode() != exitBroken {
		t.Errorf("up: %v", err)
	}
	if !strings.Contains(complaint.String(), `Nonsense "x" of "`+manifests) {
		t.Errorf("up complained: %s", complaint.String())
	}
	if left := l.left(); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
	if _, code := l.run("status"); code != exitNotUp {
		t.Errorf("status: exit code %d", code)
	}
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	for _, args := range [][]string{
		{"up", "please"}, {"up", "--frobnicate"}, {"status", "--output", "xml"}, {"env", "--name", "../evil"}, {"serve", "temporal", "--ports", "1,2"},
	} {
		var out, complaint bytes.Buffer
		if code := run(t.Context(), args, &out, &complaint); code != exitUsage {
			t.Errorf("lab %q: exit code %d, %s", args, code, complaint.String())
		}
	}
}

func TestEnvOfALabThatIsNotUpSaysHowToStartIt(t *testing.T) {
	var out, complaint bytes.Buffer
	code := run(t.Context(), []string{"env", "--dir", t.TempDir(), "--name", "second"}, &out, &complaint)
	if code != exitBroken || !strings.Contains(complaint.String(), "lab up --name second") || out.Len() > 0 {
		t.Errorf("exit code %d, %q, %q", code, out.String(), complaint.String())
	}
}

func TestQuoteMakesOneWord(t *testing.T) {
	for _, value := range []string{"", "a b", "it's", "$(date)", "a\nb"} {
		output, err := exec.Command("sh", "-c", "printf %s "+quote(value)).Output()
		if err != nil || string(output) != value {
			t.Errorf("%q came back as %q, %v", value, output, err)
		}
	}
}
