package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

const foreseen = `apiVersion: firebreak/v1
kind: Playbook
metadata: {name: foreseen, version: 1.0.0}
approvers: {ir-lead: {groups: [ir-leads]}}
guards: {maxTargets: {pods: 1}}
steps:
  - {id: scope, phase: identify, uses: kube.identify_pod, with: {namespace: "${{ alert.target.namespace }}", pod: "${{ alert.target.pod }}"}}
  - {id: mark, phase: coordinate, uses: kube.label_node, with: {node: "${{ steps.scope.output.node }}", labels: {firebreak/case: "${{ run.case }}"}}}
  - {id: triage, approve: {title: "Contain?", from: ir-lead, choices: [contain, leave], show: [plan.diff]}}
  - {id: pause, wait: 30m}
  - {id: cordon, phase: contain, uses: kube.cordon_node, with: {node: "${{ steps.scope.output.node }}"}}
  - {id: deny, foreach: {in: steps.scope.output.pods, as: pod}, do: [{id: one, uses: kube.isolate_pod, with: {pod: "${{ pod }}"}}]}
  - {id: another, uses: kube.label_pod, with: {pod: {namespace: "${{ alert.target.namespace }}", name: %q, uid: %q}, labels: {a: b}}}
`

// TestAPlanWritesNothing plans two playbooks against the live cluster and account, and then asks these who wrote what.
func TestAPlanWritesNothing(t *testing.T) {
	w := newWorld(t, nil)
	full, err := w.Admin.RbacV1().ClusterRoles().Get(t.Context(), workerRole, metav1.GetOptions{})
	kubetest.Must(t, err)
	w.role(full.Rules) // an account of its own, so that the audit log tells its requests from all others
	pod, other := w.victim(), w.Deployment(t, "other", map[string]string{"app": "other"}, 1)[0]
	file, alert := filepath.Join(w.Dir, "foreseen.yaml"), filepath.Join(w.Dir, "alert.json")
	kubetest.Must(t, os.WriteFile(file, fmt.Appendf(nil, foreseen, other.Name, other.UID), 0o600))
	kubetest.Must(t, os.WriteFile(alert, w.alert(pod.Name), 0o600))
	w.worker()
	eventually(t, "the worker's search attributes", func() bool { return w.Command(t.Context(), "drills").Run() == nil })
	audit := w.auditFrom()

	library := w.planned(0, "plan", "pod-compromise", "--alert", alert)
	for _, want := range []string{`(?m)^  ~ mark/mark_node `, `(?m)^  ~ cut_off/cordon `, `(?m)^        \+ `, `changes, nothing was changed\n$`} {
		if !regexp.MustCompile(want).MatchString(library) {
			t.Errorf("no %s in\n%s", want, library)
		}
	}
	own := w.planned(1, "plan", file, "--alert", alert)
	for _, want := range []string{
		"? triage would ask ir-lead to choose contain, leave; here it goes on as with contain", "… pause would wait 30m", "~ deny[0]/one ",
		"! guard maxTargets.pods would trip at another",
	} {
		if !strings.Contains(own, want) {
			t.Errorf("no %q in\n%s", want, own)
		}
	}
	w.readOnly(audit())
	called := w.cloud.allCalls()
	if len(called) == 0 {
		t.Error("the account saw nothing: the plan cannot have asked it")
	}
	for action := range called {
		if !regexp.MustCompile(`^\w+:(Describe|Get|List)|\?DryRun$`).MatchString(action) {
			t.Errorf("the account saw %s", action)
		}
	}
	if made := w.cloud.snapshots(); len(made) > 0 {
		t.Errorf("%d snapshots", len(made))
	}
	w.noFiles(w.Evidence, w.Tracker)
}

// planned runs a command and wants this exit code.
func (w *world) planned(code int, args ...string) string {
	w.t.Helper()
	c := w.Command(w.t.Context(), args...)
	var out, problems bytes.Buffer
	c.Stdout, c.Stderr = &out, &problems
	err := c.Run()
	if c.ProcessState == nil || c.ProcessState.ExitCode() != code {
		w.t.Fatalf("%v\n%s\n%s", err, &problems, &out)
	}
	return out.String()
}

// request is what the API server's audit log keeps of one.
type request struct {
	Verb       string
	RequestURI string
	User       struct{ Username string }
	ObjectRef  struct{ Resource string }
}

// auditFrom notes where the audit log ends; the function that it gives reads on from there what the test's worker asked.
func (w *world) auditFrom() func() []request {
	w.t.Helper()
	f, err := os.Open(w.lab.Kubernetes.Audit)
	kubetest.Must(w.t, err)
	w.t.Cleanup(func() { _ = f.Close() })
	_, err = f.Seek(0, io.SeekEnd)
	kubetest.Must(w.t, err)
	user := "system:serviceaccount:" + w.Namespace + ":worker"
	return func() []request {
		var out []request
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var r request
			kubetest.Must(w.t, json.Unmarshal(lines.Bytes(), &r))
			if r.User.Username == user {
				out = append(out, r)
			}
		}
		kubetest.Must(w.t, lines.Err())
		return out
	}
}

// readOnly wants requests that read, that are dry runs, or that ask the API server what it would allow.
func (w *world) readOnly(list []request) {
	w.t.Helper()
	rehearsed := 0
	for _, r := range list {
		at, err := url.Parse(r.RequestURI)
		kubetest.Must(w.t, err)
		switch {
		case slices.Contains([]string{"get", "list", "watch"}, r.Verb):
		case slices.Equal(at.Query()["dryRun"], []string{"All"}):
			rehearsed++
		case r.Verb == "create" && strings.HasPrefix(r.ObjectRef.Resource, "selfsubject"):
		default:
			w.t.Errorf("the cluster saw %s %s", r.Verb, r.RequestURI)
		}
	}
	if len(list) < 10 || rehearsed == 0 {
		w.t.Errorf("the audit log has %d requests of the worker, %d dry runs: it cannot have worked", len(list), rehearsed)
	}
	w.t.Logf("%d requests of the worker, %d of them dry runs", len(list), rehearsed)
}

// allCalls counts the calls of the test's worker to AWS by their action.
func (c *cloud) allCalls() map[string]int {
	c.t.Helper()
	var all map[string]map[string]int
	c.request(http.MethodGet, strings.TrimSuffix(c.lab.AWS.Faults, "faults")+"calls?resource="+url.QueryEscape(c.key), nil, &all)
	out := map[string]int{}
	for action, counts := range all {
		if n := counts[c.key]; n > 0 {
			out[action] = n
		}
	}
	return out
}

// noFiles wants folders that are empty or not there.
func (w *world) noFiles(folders ...string) {
	w.t.Helper()
	for _, folder := range folders {
		_ = filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				w.t.Errorf("%s was written", path)
			}
			return nil
		})
	}
}
