package kube_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

func shipped(c kube.Cluster) []activities.Definition {
	return []activities.Definition{
		kube.IdentifyPod(c), kube.IdentifyNode(c), kube.LabelNode(c), kube.LabelPod(c),
		kube.CordonNode(c), kube.IsolatePod(c), kube.VerifyIsolation(c),
	}
}

func TestDeclarationsAreWhole(t *testing.T) {
	for _, d := range shipped(nil) {
		if d.Summary == "" || d.Idempotency == "" || d.Timeout == 0 || !strings.Contains(d.Example, "uses: "+d.Name+"\n") {
			t.Errorf("%s: summary, idempotency, timeout or example is missing", d.Name)
		}
		if (d.Undo != nil) != (d.Effect == activities.Change) {
			t.Errorf("%s: effect %q and undo do not go together", d.Name, d.Effect)
		}
		for _, p := range d.Permissions {
			if p.Why == "" {
				t.Errorf("%s: no reason for %v %s", d.Name, p.Verbs, p.Resource)
			}
		}
		if _, err := activities.TypeOf(d.In); err != nil {
			t.Errorf("%s: input: %v", d.Name, err)
		}
		if _, err := activities.TypeOf(d.Out); err != nil {
			t.Errorf("%s: output: %v", d.Name, err)
		}
	}
}

// Without a cluster, or with one that cannot be reached, an activity says so, and another attempt may succeed.
func TestNoCluster(t *testing.T) {
	broken := kube.ClusterFunc(func() (kubernetes.Interface, error) { return nil, errors.New("no route") })
	in := kube.LabelNodeIn{Node: "n", Labels: map[string]string{"a": "b"}}
	for _, c := range []kube.Cluster{nil, broken} {
		_, err := tryRun[kube.LabelOut](t, kube.LabelNode(c), call(caseA), in)
		if _, permanent := activities.KindOf(err); err == nil || permanent {
			t.Errorf("error %v", err)
		}
	}
}

const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "https://a.example:6443"}}, {name: b, cluster: {server: "https://b.example:6443"}}]
contexts: [{name: a, context: {cluster: a}}, {name: b, context: {cluster: b}}]
current-context: a
`

func TestConfigFollowsKubectl(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	kubetest.Must(t, os.WriteFile(file, []byte(kubeconfig), 0o600))
	t.Setenv("KUBECONFIG", file)
	for _, tc := range []struct{ path, context, host string }{
		{"", "", "https://a.example:6443"}, {"", "b", "https://b.example:6443"}, {file, "b", "https://b.example:6443"},
	} {
		config, err := kube.Config(tc.path, tc.context)
		kubetest.Must(t, err)
		if config.Host != tc.host || config.QPS < 50 {
			t.Errorf("path %q, context %q: host %q at %v/s", tc.path, tc.context, config.Host, config.QPS)
		}
	}
	for _, tc := range [][2]string{{file + "-gone", ""}, {"", "gone"}} {
		if _, err := kube.Connect(tc[0], tc[1]); err == nil {
			t.Errorf("path %q, context %q: no error", tc[0], tc[1])
		}
	}
}
