package live

import (
	"context"
	"fmt"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// SocketsIn says whose sockets are kept.
type SocketsIn struct {
	Pod PodRef `json:"pod" doc:"The pod, as kube.identify_pod gives it in pods"`
	To  string `json:"to,omitempty" doc:"Evidence store, file:// and the worker's own directory; the worker's own when empty"`
}

// SocketsOut says who talks to whom.
type SocketsOut struct {
	activities.Result
	Sockets []Socket       `json:"sockets" doc:"The pod's TCP and UDP sockets, at most 100; the files have all"`
	Count   int            `json:"count" doc:"How many there are in all"`
	Unseen  []Unseen       `json:"unseen" doc:"The containers that could not be looked into, each with the reason"`
	Items   []custody.Item `json:"items" doc:"The files, one a container: all see the same sockets, each knows the processes of its own"`
}

// Sockets keeps the network connections of one pod.
func Sockets(c Cluster, s Store, p Probe) activities.Definition {
	return activities.Define(activities.Activity[SocketsIn, SocketsOut]{
		Name:        "live.sockets",
		Summary:     "Keeps the TCP and UDP sockets of one pod and the processes that hold them, read by an ephemeral container that stays in the pod's spec.",
		Effect:      activities.Capture,
		Volatility:  activities.Sockets,
		Place:       activities.OnCluster,
		Targets:     []activities.TargetField{{Field: "pod", Kind: "Pod"}},
		Idempotency: "The ephemeral containers' names follow from the key: a second attempt reads what the first one's printed; what is evidence is not read again.",
		Permissions: lookPermissions(),
		Timeout:     5 * time.Minute,
		Heartbeat:   30 * time.Second,
		Example:     "- id: sockets\n  phase: preserve\n  uses: live.sockets\n  with:\n    pod: {namespace: shop, name: web-0, uid: 6d1f0c0e-5d6c-4a53-9b39-3f1f3d7a1c11}\n",
		Run: func(ctx context.Context, call activities.Call, in SocketsIn) (SocketsOut, error) {
			return keepSockets(ctx, c, s, p, call, in)
		},
	})
}

func keepSockets(ctx context.Context, c Cluster, s Store, p Probe, call activities.Call, in SocketsIn) (SocketsOut, error) {
	k, err := connect(c)
	if err != nil {
		return SocketsOut{}, err
	}
	l := looking{Probe: p, k: k, call: call, pod: in.Pod}
	kind := sight[socketList]{purpose: "ss", folder: "sockets", script: socketScript, parse: parseSockets}
	all, unseen, err := kind.look(ctx, l, s, in.To)
	if err != nil {
		return SocketsOut{}, err
	}
	out := SocketsOut{Sockets: []Socket{}, Unseen: append([]Unseen{}, unseen...), Items: []custody.Item{}}
	if call.DryRun {
		out.Result = wouldLook(l, all, "sockets")
		return out, nil
	}
	for _, one := range all {
		out.Items = append(out.Items, one.item)
		out.merge(one.Container, one.Found.Sockets)
	}
	out.Count = len(out.Sockets)
	out.Sockets = out.Sockets[:min(out.Count, maxShown)]
	out.Status, out.Summary = activities.Done, fmt.Sprintf("kept %d sockets of %s in %d files", out.Count, in.Pod, len(out.Items))+notSeen(unseen)
	return out, nil
}

// merge puts together what the containers see: the pod has one network, and each container knows its own processes.
func (out *SocketsOut) merge(container string, found []Socket) {
	at := map[string]int{}
	for i, s := range out.Sockets {
		at[s.id()] = i
	}
	for _, s := range found {
		i, known := at[s.id()]
		if !known {
			i = len(out.Sockets)
			out.Sockets = append(out.Sockets, s)
			at[s.id()] = i
		}
		if s.PID != 0 && out.Sockets[i].Container == "" {
			out.Sockets[i].PID, out.Sockets[i].Container = s.PID, container
		}
	}
}
