package live_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/activities/live"
)

// kubelet answers a checkpoint as real ones do, through an API server.
type kubelet struct {
	status int
	body   string
	asked  []string
	uid    string
}

func (k *kubelet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPost {
		k.asked = append(k.asked, r.URL.Path)
		if !strings.HasPrefix(k.body, "{") {
			w.Header().Set("Content-Type", "text/plain")
		}
		w.WriteHeader(k.status)
		fmt.Fprint(w, k.body)
		return
	}
	fmt.Fprintf(w, `{"kind":"Pod","apiVersion":"v1","metadata":{"namespace":"shop","name":"web","uid":%q},"spec":{"nodeName":"n","containers":[{"name":"web"},{"name":"sidecar"},{"name":"done"}]},
		"status":{"containerStatuses":[{"name":"web","state":{"running":{}}},{"name":"sidecar","state":{"running":{}}},{"name":"done","state":{"terminated":{"exitCode":0}}}]}}`, k.uid)
}

func (k *kubelet) cluster(t *testing.T) live.Cluster {
	t.Helper()
	if k.uid == "" {
		k.uid = "uid-1"
	}
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
	kubetest.Must(t, err)
	return cluster{client}
}

func memory() live.CheckpointIn {
	return live.CheckpointIn{Pod: live.PodRef{Namespace: "shop", Name: "web", UID: "uid-1"}}
}

func TestCheckpointsAreRecordedOnce(t *testing.T) {
	k, to := &kubelet{status: 200, body: `{"items":["/var/lib/kubelet/checkpoints/checkpoint-web_shop-web-2026.tar"]}`}, store(t)
	d := live.CheckpointContainers(k.cluster(t), to)
	var first live.CheckpointOut
	for range 2 {
		out, err := runAs[live.CheckpointOut](t, d, call(), memory())
		kubetest.Must(t, err)
		if len(out.Checkpoints) != 2 || out.Node != "n" || !strings.HasSuffix(out.Checkpoints[1].Archive, ".tar") || len(out.Unseen) != 1 || out.Unseen[0].Container != "done" {
			t.Fatalf("%+v", out)
		}
		if diff := cmp.Diff(first, out); first.Node != "" && diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
		first = out
	}
	want := []string{"/api/v1/nodes/n/proxy/checkpoint/shop/web/web", "/api/v1/nodes/n/proxy/checkpoint/shop/web/sidecar"}
	if diff := cmp.Diff(want, k.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if text := content(t, to, first.Checkpoints[0].Item); !strings.Contains(text, `"archive": "/var/lib/kubelet/`) || !strings.Contains(text, `"uid": "uid-1"`) {
		t.Errorf("the evidence is %s", text)
	}
}

func TestOneContainerIsCheckpointed(t *testing.T) {
	k := &kubelet{status: 200, body: `{"items":["/a.tar"]}`}
	in := memory()
	in.Container = "sidecar"
	out, err := runAs[live.CheckpointOut](t, live.CheckpointContainers(k.cluster(t), store(t)), call(), in)
	if err != nil || len(out.Checkpoints) != 1 || len(k.asked) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	in.Container = "done"
	_, err = runAs[live.CheckpointOut](t, live.CheckpointContainers(k.cluster(t), store(t)), call(), in)
	if kind, _ := activities.KindOf(err); kind != activities.NotFound || !strings.Contains(err.Error(), "web, sidecar") {
		t.Errorf("of one that has ended: %v", err)
	}
}

// What a node cannot do is no success, and no reason to try again.
func TestARefusalIsSaidInTheKubeletsWords(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		kind   activities.Kind
		want   string
	}{
		"no criu":       {500, `checkpointing of shop/web/web failed (rpc error: criu binary not found in PATH)`, activities.Unsupported, "criu binary not found"},
		"feature off":   {404, "404 page not found\n", activities.Unsupported, "could not find the requested resource"},
		"odd answer":    {200, `{"items":[]}`, activities.Unsupported, "answers"},
		"no permit":     {403, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`, activities.Forbidden, "nodes/proxy"},
		"node is gone":  {503, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"ServiceUnavailable","message":"dial tcp: no route to host","code":503}`, "", "no route to host"},
		"other trouble": {500, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"etcd has no leader","code":500}`, "", "etcd"},
	} {
		t.Run(name, func(t *testing.T) {
			k := &kubelet{status: test.status, body: test.body}
			_, err := runAs[live.CheckpointOut](t, live.CheckpointContainers(k.cluster(t), store(t)), call(), memory())
			if kind, _ := activities.KindOf(err); err == nil || kind != test.kind || !strings.Contains(err.Error(), test.want) {
				t.Errorf("kind %q: %v", kind, err)
			}
		})
	}
}

func TestACheckpointOfAnotherPodIsNoEvidence(t *testing.T) {
	k, to := &kubelet{status: 200, body: `{"items":["/a.tar"]}`, uid: "uid-2"}, store(t)
	_, err := runAs[live.CheckpointOut](t, live.CheckpointContainers(k.cluster(t), to), call(), memory())
	if kind, _ := activities.KindOf(err); kind != activities.NotFound || len(k.asked) != 0 {
		t.Errorf("asked %q, %v", k.asked, err)
	}
}

// TestCheckpointOnRealNodes: this machine's kubelet says why it cannot, and kwok's has no such API.
func TestCheckpointOnRealNodes(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := onTheRealNode(t, w, nil)
	d := live.CheckpointContainers(w, store(t))
	out, err := runAs[live.CheckpointOut](t, d, call(), live.CheckpointIn{Pod: ref(pod)})
	if kind, _ := activities.KindOf(err); err == nil && len(out.Checkpoints) != 2 || err != nil && (kind != activities.Unsupported || !strings.Contains(err.Error(), "checkpoint")) {
		t.Errorf("%+v, %v", out, err)
	}
	wantDeclared(t, d, w)
	for _, permission := range conformance.Names(d.Permissions) {
		lacking := live.CheckpointContainers(cluster{w.Without(t, d.Permissions, permission)}, store(t))
		_, err := runAs[live.CheckpointOut](t, lacking, call(), live.CheckpointIn{Pod: ref(pod)})
		if kind, _ := activities.KindOf(err); kind != activities.Forbidden || !strings.Contains(err.Error(), strings.Fields(permission)[1]) {
			t.Errorf("without %q: %v", permission, err)
		}
	}
	played := kubetest.New(t)
	_, err = runAs[live.CheckpointOut](t, live.CheckpointContainers(played, store(t)), call(), live.CheckpointIn{Pod: ref(played.Pod(t, "web", nil, nil))})
	if kind, _ := activities.KindOf(err); kind != activities.Unsupported {
		t.Errorf("on a played node: %v", err)
	}
}
