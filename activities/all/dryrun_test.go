package all_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/activities/aws"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/telemetry"
	"github.com/firebreak-ir/firebreak/activities/ticket"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/block"
)

const (
	pod      = `{"pod":{"namespace":"shop","name":"web-0","uid":"uid-1"}}`
	podMark  = `{"pod":{"namespace":"shop","name":"web-0","uid":"uid-1"},"labels":{"firebreak/case":"c"}}`
	instance = "i-0123456789abcdef0"
	image    = `{"image":"data/snap-0123456789abcdef0/image.raw"}`
)

// dryInputs has an input for every activity that ships.
func dryInputs() map[string]string {
	return map[string]string{
		"evidence.record_alert":      `{"alert":{}}`,
		"kube.identify_pod":          `{"namespace":"shop","pod":"web-0"}`,
		"kube.identify_node":         `{"node":"node-1"}`,
		"aws.find_instance":          `{"node":"` + instance + `"}`,
		"telemetry.query_prometheus": `{"query":"up"}`,
		"kube.describe_targets":      `{"targets":[{"kind":"Node","name":"node-1"}]}`,
		"kube.find_isolated":         `{}`,
		"kube.label_node":            `{"node":"node-1","labels":{"firebreak/case":"c"}}`,
		"kube.label_pod":             podMark,
		"kube.cordon_node":           `{"node":"node-1"}`,
		"kube.isolate_pod":           pod,
		"kube.verify_isolation":      pod,
		"live.checkpoint":            pod,
		"live.processes":             pod,
		"live.sockets":               pod,
		"live.logs":                  pod,
		"aws.snapshot_volumes":       `{"instance":"` + instance + `"}`,
		"forensics.analyze_snapshot": `{"snapshot":"snap-0123456789abcdef0"}`,
		"forensics.read_snapshot":    `{"snapshot":"snap-0123456789abcdef0"}`,
		"forensics.list_containers":  image,
		"forensics.docker_explorer":  image,
		"forensics.last_writes":      image,
		"forensics.scan_indicators":  `{"image":"data/snap-0123456789abcdef0/image.raw","paths":["/tmp/*"]}`,
		"forensics.extract_files":    `{"image":"data/snap-0123456789abcdef0/image.raw","paths":["/etc/passwd"]}`,
		"kube.delete_pod":            `{"pods":[{"namespace":"shop","name":"web-0","uid":"uid-1"}]}`,
		"notify.send":                `{"title":"Look"}`,
		"ticket.open":                `{"title":"Pin the image"}`,
		"report.render":              `{"record":{"case":"c"}}`,
		"evidence.check":             `{"steps":["logs[0]/read_logs"]}`,
		"evidence.export_history":    `{"workflow":"w","run":"r"}`,
		"evidence.seal":              `{}`,
		"evidence.note_undo":         `{"text":"undone"}`,
	}
}

// TestADryRunOfTheWholeCatalogWritesNothing runs every activity dry and looks for what it left: in the evidence store, in
// the tracker, in the cluster and in the account.
func TestADryRunOfTheWholeCatalogWritesNothing(t *testing.T) {
	inputs := dryInputs()
	for _, d := range all.List(all.Deps{}) {
		t.Run(d.Name, func(t *testing.T) {
			input, covered := inputs[d.Name]
			if !covered {
				t.Fatal("no dry run of it is tested: give it an input in dryInputs")
			}
			w := newDryWorld(t)
			dry, _ := all.Catalog(w.deps(t)).Find(d.Name)
			call := activities.Call{Case: "dry-1.1", Step: "step", Key: "dry-1.1/step", DryRun: true}
			out, err := dry.Run(t.Context(), call, json.RawMessage(input))
			if err != nil {
				t.Fatal(err)
			}
			var r activities.Result
			if err := json.Unmarshal(out, &r); err != nil || r.Summary == "" || len(r.Would) == 0 && d.Effect != activities.Read {
				t.Errorf("it does not say what it would do: %s, %v", out, err)
			}
			w.wantUntouched(t)
		})
		delete(inputs, d.Name)
	}
	for name := range inputs {
		t.Errorf("dryInputs has %q, which does not ship", name)
	}
}

// dryWorld is what an activity could write to.
type dryWorld struct {
	aws.EC2API

	root    string
	cluster *fake.Clientset
	wrote   []string
}

func newDryWorld(t *testing.T) *dryWorld {
	t.Helper()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1", UID: "uid-2"}, Spec: corev1.NodeSpec{ProviderID: "aws:///eu-central-1a/" + instance}}
	target := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-0", UID: "uid-1", Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{NodeName: "node-1", Containers: []corev1.Container{{Name: "web"}}},
		Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{
			{Name: "web", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
		}},
	}
	return &dryWorld{root: t.TempDir(), cluster: fake.NewClientset(node, target)}
}

func (w *dryWorld) deps(t *testing.T) all.Deps {
	t.Helper()
	store, err := custody.Open(filepath.Join(w.root, "evidence"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return all.Deps{
		Cluster: kube.ClusterFunc(func() (kubernetes.Interface, error) { return w.cluster, nil }),
		AWS:     w, Store: store, History: w, Tracker: ticket.NewFolder(filepath.Join(w.root, "tickets"), time.Now),
		EBS: func(context.Context, string) (block.EBS, error) {
			return nil, errors.New("a dry run reads no snapshot")
		},
		DockerExplorer: []string{"/bin/false"},
		Prometheus:     telemetry.Prometheus{URL: metrics(t)},
	}
}

// metrics is a Prometheus that knows nothing.
func metrics(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func (w *dryWorld) wantUntouched(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(w.root, func(name string, d fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(w.root, name); rel != "." && rel != "evidence" {
			t.Errorf("it left %s", rel)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Error(err)
	}
	for _, a := range w.cluster.Actions() {
		if !harmless(a) {
			t.Errorf("it did %s %s", a.GetVerb(), a.GetResource().Resource)
		}
	}
	if len(w.wrote) > 0 {
		t.Errorf("it did %q", w.wrote)
	}
}

// harmless tells a request that reads, or that asks the API server for a dry run.
func harmless(a clienttesting.Action) bool {
	var dry []string
	switch one := a.(type) {
	case clienttesting.CreateActionImpl:
		dry = one.CreateOptions.DryRun
	case clienttesting.UpdateActionImpl:
		dry = one.UpdateOptions.DryRun
	case clienttesting.PatchActionImpl:
		dry = one.PatchOptions.DryRun
	case clienttesting.DeleteActionImpl:
		dry = one.DeleteOptions.DryRun
	}
	return slices.Contains([]string{"get", "list", "watch"}, a.GetVerb()) || slices.Contains(dry, metav1.DryRunAll)
}

// Export is evidence.History's.
func (w *dryWorld) Previous(context.Context, string, string) (string, error) { return "", nil }

func (w *dryWorld) Export(context.Context, string, string, io.Writer) (int, error) {
	w.wrote = append(w.wrote, "export the history")
	return 0, nil
}

// EC2 is aws.Clients's.
func (w *dryWorld) EC2(context.Context, string) (aws.EC2API, error) { return w, nil }

// DescribeInstances is EC2's.
func (w *dryWorld) DescribeInstances(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	return &ec2.DescribeInstancesOutput{Reservations: []types.Reservation{{Instances: []types.Instance{{InstanceId: sdk.String(instance)}}}}}, nil
}

// DescribeInstanceTypes is EC2's.
func (w *dryWorld) DescribeInstanceTypes(context.Context, *ec2.DescribeInstanceTypesInput, ...func(*ec2.Options)) (*ec2.DescribeInstanceTypesOutput, error) {
	return &ec2.DescribeInstanceTypesOutput{}, nil
}

// DescribeVolumes is EC2's.
func (w *dryWorld) DescribeVolumes(context.Context, *ec2.DescribeVolumesInput, ...func(*ec2.Options)) (*ec2.DescribeVolumesOutput, error) {
	return &ec2.DescribeVolumesOutput{Volumes: []types.Volume{{VolumeId: sdk.String("vol-1"), Size: sdk.Int32(1)}}}, nil
}

// DescribeSnapshots is EC2's.
func (w *dryWorld) DescribeSnapshots(context.Context, *ec2.DescribeSnapshotsInput, ...func(*ec2.Options)) (*ec2.DescribeSnapshotsOutput, error) {
	return &ec2.DescribeSnapshotsOutput{}, nil
}

// CreateSnapshots is EC2's; it answers a dry run as EC2 does.
func (w *dryWorld) CreateSnapshots(_ context.Context, in *ec2.CreateSnapshotsInput, _ ...func(*ec2.Options)) (*ec2.CreateSnapshotsOutput, error) {
	if sdk.ToBool(in.DryRun) {
		return nil, &smithy.GenericAPIError{Code: "DryRunOperation"}
	}
	w.wrote = append(w.wrote, "create snapshots")
	return &ec2.CreateSnapshotsOutput{}, nil
}
