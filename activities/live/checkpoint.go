package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// CheckpointIn says whose memory is kept.
type CheckpointIn struct {
	Pod       PodRef `json:"pod" doc:"The pod, as kube.identify_pod gives it in pods"`
	Container string `json:"container,omitempty" doc:"One container; every running one when left out"`
	To        string `json:"to,omitempty" doc:"Evidence store, file:// and the worker's own directory; the worker's own when empty"`
}

// CheckpointOut says where the checkpoints lie.
type CheckpointOut struct {
	activities.Result
	Node        string       `json:"node" doc:"The node on which the archives lie"`
	Checkpoints []Checkpoint `json:"checkpoints" doc:"One a container"`
	Unseen      []Unseen     `json:"unseen" doc:"The containers of which there is none, each with the reason"`
}

// Checkpoint is the memory and the state of one container, in an archive on its node.
type Checkpoint struct {
	Container string       `json:"container" doc:"The container's name"`
	Archive   string       `json:"archive" doc:"Path of the archive on the node; a later snapshot of the node's volume holds it"`
	Item      custody.Item `json:"item" doc:"The file that says so: it is evidence, the archive itself stays on the node"`
}

// CheckpointContainers takes a checkpoint of the containers of one pod.
func CheckpointContainers(c Cluster, s Store) activities.Definition {
	return activities.Define(activities.Activity[CheckpointIn, CheckpointOut]{
		Name:        "live.checkpoint",
		Summary:     "Has the kubelet checkpoint the running containers of one pod, memory included, into archives on the node, where a later snapshot of its volume holds them.",
		Effect:      activities.Capture,
		Volatility:  activities.Memory,
		Place:       activities.OnCluster,
		Targets:     []activities.TargetField{{Field: "pod", Kind: "Pod"}},
		Idempotency: "A container of which this call has recorded a checkpoint is not checkpointed again.",
		Permissions: []activities.Permission{
			{Resource: "pods", Verbs: []string{"get"}, Why: "see which containers run, where, and that the pod is still the same"},
			{Resource: "nodes/proxy", Verbs: []string{"create"}, Why: "call the kubelet's checkpoint API; it also allows to run commands in the node's pods: grant it only where checkpoints can be taken"},
		},
		Timeout:   10 * time.Minute,
		Heartbeat: time.Minute,
		Example:   "- id: checkpoint\n  phase: preserve\n  uses: live.checkpoint\n  with:\n    pod: {namespace: shop, name: web-0, uid: 6d1f0c0e-5d6c-4a53-9b39-3f1f3d7a1c11}\n  onError: continue\n",
		Run: func(ctx context.Context, call activities.Call, in CheckpointIn) (CheckpointOut, error) {
			return checkpoint(ctx, c, s, call, in)
		},
	})
}

func checkpoint(ctx context.Context, c Cluster, s Store, call activities.Call, in CheckpointIn) (CheckpointOut, error) {
	if err := activities.CheckStore(s, in.To); err != nil {
		return CheckpointOut{}, err
	}
	k, err := connect(c)
	if err != nil {
		return CheckpointOut{}, err
	}
	pod, err := getPod(ctx, k, in.Pod)
	if err != nil {
		return CheckpointOut{}, err
	}
	containers, unseen, err := in.wanted(pod)
	if err != nil {
		return CheckpointOut{}, err
	}
	out := CheckpointOut{Node: pod.Spec.NodeName, Checkpoints: []Checkpoint{}, Unseen: append([]Unseen{}, unseen...)}
	if call.DryRun {
		return out.would(in.Pod, containers), nil
	}
	to, by, err := open(s, call)
	if err != nil {
		return CheckpointOut{}, err
	}
	for _, name := range containers {
		if err := out.take(ctx, k, in.Pod, name, to, by); err != nil {
			return CheckpointOut{}, err
		}
	}
	if len(out.Checkpoints) == 0 {
		return CheckpointOut{}, noCheckpoint(in.Pod, out.Unseen)
	}
	out.Status, out.Summary = activities.Done, fmt.Sprintf("checkpointed %d containers of %s; the archives lie on node %s",
		len(out.Checkpoints), in.Pod, out.Node)+notSeen(out.Unseen)
	return out, nil
}

func (in CheckpointIn) wanted(pod *corev1.Pod) ([]string, []Unseen, error) {
	containers, unseen := running(pod)
	switch {
	case in.Container == "":
		return containers, unseen, nil
	case slices.Contains(containers, in.Container):
		return []string{in.Container}, nil, nil
	}
	return nil, nil, activities.Permanent(activities.NotFound, fmt.Errorf("%s has no running container %q", in.Pod, in.Container),
		"name one of "+strings.Join(containers, ", ")+", or none for all")
}

func (out CheckpointOut) would(pod PodRef, containers []string) CheckpointOut {
	for _, name := range containers {
		out.Would = append(out.Would, activities.Difference{
			Object: pod.String(), Field: "checkpoint", To: "an archive of container " + name + " on node " + out.Node})
	}
	out.Status, out.Summary = activities.Done, fmt.Sprintf("would checkpoint %d containers of %s; whether the node can, only a checkpoint says", len(containers), pod)
	return out
}

// taken is what becomes evidence of one checkpoint.
type taken struct {
	Taken

	Node    string `json:"node"`
	Archive string `json:"archive"`
}

// take checkpoints one container and records where the archive lies. That the node cannot is noted; anything else may
// pass with time, and the next attempt goes on with what is missing.
func (out *CheckpointOut) take(ctx context.Context, k kubernetes.Interface, pod PodRef, name string, to *custody.Case, by custody.By) error {
	activities.Report(ctx, activities.Progress{Message: "checkpointing container " + name})
	record := taken{Taken: Taken{Pod: pod, Container: name}, Node: out.Node}
	file := path.Join("data", "checkpoints", pod.Namespace, pod.Name+"-"+pod.UID, name+".json")
	item, err := to.Put(ctx, by, file, "checkpoint", func(w io.Writer) error {
		archive, err := ask(ctx, k, out.Node, pod, name)
		if err != nil {
			return err
		}
		record.Archive, record.At = archive, time.Now().UTC()
		return writeJSON(w, record)
	})
	var permanent *activities.PermanentError
	if errors.As(err, &permanent) && permanent.Kind == activities.Unsupported {
		out.Unseen = append(out.Unseen, Unseen{name, permanent.Err.Error()})
		return nil
	}
	if err != nil {
		return fmt.Errorf("checkpoint of container %q: %w", name, writtenOnce(err))
	}
	if err := recorded(to, item, &record); err != nil {
		return err
	}
	out.Checkpoints = append(out.Checkpoints, Checkpoint{Container: name, Archive: record.Archive, Item: item})
	return nil
}

// recorded reads back what an attempt before may have written.
func recorded(c *custody.Case, item custody.Item, into *taken) error {
	raw, err := readEvidence(c, item)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("decode evidence %q: %w", item.Path, err)
	}
	return nil
}

// ask has the kubelet write the archive, through the API server. The kubelet goes by the pod's name, so the UID is looked
// at again when it is done.
func ask(ctx context.Context, k kubernetes.Interface, node string, pod PodRef, container string) (string, error) {
	if node == "" {
		return "", activities.Permanent(activities.Unsupported, errors.New("the pod is on no node"), "")
	}
	raw, err := k.CoreV1().RESTClient().Post().Resource("nodes").Name(node).SubResource("proxy").
		Suffix("checkpoint", pod.Namespace, pod.Name, container).Do(ctx).Raw()
	if err != nil {
		return "", refusal(node, raw, err)
	}
	if _, err := getPod(ctx, k, pod); err != nil {
		return "", err
	}
	var answer struct {
		Items []string `json:"items"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Items) == 0 {
		return "", activities.Permanent(activities.Unsupported, fmt.Errorf("the kubelet of node %q answers %.200q", node, raw), "")
	}
	return answer.Items[0], nil
}

// refusal tells a node that cannot take checkpoints from one that does not answer. The kubelet says the runtime's reason,
// such as a kernel or a CRIU that will not do, with status 500.
func refusal(node string, said []byte, err error) error {
	var status apierrors.APIStatus
	code := 0
	if errors.As(err, &status) {
		code = int(status.Status().Code)
	}
	wrapped := fmt.Errorf("the kubelet of node %q: %w", node, err)
	if words := strings.TrimSpace(plain(string(said[:min(len(said), 500)]))); words != "" && !strings.Contains(err.Error(), words) {
		wrapped = fmt.Errorf("%w: it says %q", wrapped, words)
	}
	text := string(said) + err.Error()
	switch {
	case code == http.StatusForbidden || code == http.StatusUnauthorized:
		return request{"create", "nodes/proxy", "", node}.explain(err)
	case code == http.StatusNotFound || code == http.StatusBadRequest || code == http.StatusNotImplemented || code == http.StatusMethodNotAllowed,
		code == http.StatusInternalServerError && strings.Contains(text, "checkpointing of"):
		return activities.Permanent(activities.Unsupported, wrapped, "")
	}
	return wrapped
}

func noCheckpoint(pod PodRef, unseen []Unseen) error {
	var why []string
	for _, u := range unseen {
		why = append(why, fmt.Sprintf("container %q: %s", u.Container, u.Why))
	}
	return activities.Permanent(activities.Unsupported, fmt.Errorf("no checkpoint of %s: %s", pod, strings.Join(why, "; ")),
		"the node's runtime, its CRIU and its kernel must be able to; keep live.processes and live.sockets instead, and give the step onError: continue")
}
