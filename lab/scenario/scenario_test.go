package scenario_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/lab/build"
	"github.com/firebreak-ir/firebreak/lab/controlplane"
	"github.com/firebreak-ir/firebreak/lab/scenario"
	"github.com/firebreak-ir/firebreak/lab/scenario/clustertest"
)

const node = "ip-10-0-1-31.ec2.internal"

// Without root the shop runs on a node of kwok, and only the alert is real.
func TestShopOnANodeThatDoesNotExist(t *testing.T) {
	cluster := clustertest.Start(t, "../servers", build.ControlPlane(), controlplane.Node{Name: node, ProviderID: "aws:///us-east-1a/i-0123456789abcdef0"})
	seed := scenario.Config{REST: cluster.Client(), Node: node, Image: "docker.io/shop/web:1.4.2", Out: t.Output()}
	for range 2 { // the second seeding finds everything there
		if err := scenario.Seed(t.Context(), seed); err != nil {
			t.Fatal(err)
		}
	}
	attack := scenario.AttackConfig{REST: cluster.Client(), Node: node, Dir: t.TempDir(), Now: time.Now, Out: t.Output()}
	client, err := kubernetes.NewForConfig(cluster.Client())
	if err != nil {
		t.Fatal(err)
	}
	victims := map[string]bool{}
	for range scenario.Replicas {
		intrusion, err := scenario.Attack(t.Context(), attack)
		if err != nil {
			t.Fatal(err)
		}
		if victims[intrusion.Pod] || intrusion.Pod == scenario.BarePod {
			t.Errorf("attacked %q after %v", intrusion.Pod, slices.Collect(maps.Keys(victims)))
		}
		victims[intrusion.Pod] = true
		checkAlert(t, intrusion)
	}
	again, err := scenario.Attack(t.Context(), attack)
	if err != nil || !victims[again.Pod] {
		t.Errorf("with all pods attacked and none held: %q, %v", again.Pod, err)
	}
	cordon(t, client) // as a responder does: or new pods would stand in for those that are held
	for pod := range victims {
		hold(t, client, pod)
	}
	_, err = scenario.Attack(t.Context(), attack)
	if err == nil || !strings.Contains(err.Error(), "firebreak undo case-of-"+again.Pod) {
		t.Errorf("with all pods held: %v", err)
	}
}

func cordon(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	patch := `{"spec":{"unschedulable":true}}`
	if _, err := client.CoreV1().Nodes().Patch(t.Context(), node, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// hold does to a pod what a responder's case does.
func hold(t *testing.T, client kubernetes.Interface, pod string) {
	t.Helper()
	patch := `{"metadata":{"labels":{"firebreak/case":"case-of-` + pod + `","app":null}}}`
	if _, err := client.CoreV1().Pods(scenario.Namespace).Patch(t.Context(), pod, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// checkAlert compares with the shape of the sample that falcosidekick sent.
func checkAlert(t *testing.T, intrusion scenario.Intrusion) {
	t.Helper()
	got, sample := readAlert(t, intrusion.Alert), readAlert(t, filepath.Join("testdata", "falco-terminal-shell.json"))
	if g, w := keys(got), keys(sample); !slices.Equal(g, w) {
		t.Errorf("alert has the keys\n%v, the sample\n%v", g, w)
	}
	fields, _ := got["output_fields"].(map[string]any)
	if fields["k8s.pod.name"] != intrusion.Pod || fields["k8s.ns.name"] != scenario.Namespace || got["hostname"] != node || got["rule"] != "Terminal shell in container" {
		t.Errorf("alert is about something else: %v", got)
	}
}

func readAlert(t *testing.T, path string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var alert map[string]any
	if err := json.Unmarshal(raw, &alert); err != nil {
		t.Fatal(err)
	}
	return alert
}

// keys lists the alert's keys and those of its fields.
func keys(alert map[string]any) []string {
	fields, _ := alert["output_fields"].(map[string]any)
	return append(slices.Sorted(maps.Keys(alert)), slices.Sorted(maps.Keys(fields))...)
}
