package live

import (
	"context"
	"fmt"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// ProcessesIn says whose processes are kept.
type ProcessesIn struct {
	Pod PodRef `json:"pod" doc:"The pod, as kube.identify_pod gives it in pods"`
	To  string `json:"to,omitempty" doc:"Evidence store, file:// and the worker's own directory; the worker's own when empty"`
}

// ProcessesOut says what runs in the pod.
type ProcessesOut struct {
	activities.Result
	Processes []ContainerProcess `json:"processes" doc:"The processes, at most 100 and their texts cut; the files have all"`
	Count     int                `json:"count" doc:"How many there are in all"`
	Unseen    []Unseen           `json:"unseen" doc:"The containers that could not be looked into, each with the reason"`
	Items     []custody.Item     `json:"items" doc:"The files, one a container"`
}

// ContainerProcess is a process and the container in which it was seen.
type ContainerProcess struct {
	Container string `json:"container" doc:"The container in whose process namespace it was seen"`
	Process
}

// Processes keeps what runs in the containers of one pod.
func Processes(c Cluster, s Store, p Probe) activities.Definition {
	return activities.Define(activities.Activity[ProcessesIn, ProcessesOut]{
		Name:        "live.processes",
		Summary:     "Keeps the processes of all running containers of one pod, read by an ephemeral container that stays in the pod's spec.",
		Effect:      activities.Capture,
		Volatility:  activities.Processes,
		Place:       activities.OnCluster,
		Targets:     []activities.TargetField{{Field: "pod", Kind: "Pod"}},
		Idempotency: "The ephemeral containers' names follow from the key: a second attempt reads what the first one's printed; what is evidence is not read again.",
		Permissions: lookPermissions(),
		Timeout:     5 * time.Minute,
		Heartbeat:   30 * time.Second,
		Example:     "- id: processes\n  phase: preserve\n  uses: live.processes\n  with:\n    pod: {namespace: shop, name: web-0, uid: 6d1f0c0e-5d6c-4a53-9b39-3f1f3d7a1c11}\n",
		Run: func(ctx context.Context, call activities.Call, in ProcessesIn) (ProcessesOut, error) {
			return keepProcesses(ctx, c, s, p, call, in)
		},
	})
}

func lookPermissions() []activities.Permission {
	return []activities.Permission{
		{Resource: "pods", Verbs: []string{"get"}, Why: "see which containers run, that the pod is still the same, and when the ephemeral containers have ended"},
		{Resource: "pods/ephemeralcontainers", Verbs: []string{"patch"}, Why: "look into the pod with programs of our own"},
		{Resource: "pods/log", Verbs: []string{"get"}, Why: "read what the ephemeral containers printed"},
	}
}

func keepProcesses(ctx context.Context, c Cluster, s Store, p Probe, call activities.Call, in ProcessesIn) (ProcessesOut, error) {
	k, err := connect(c)
	if err != nil {
		return ProcessesOut{}, err
	}
	l := looking{Probe: p, k: k, call: call, pod: in.Pod}
	kind := sight[processList]{purpose: "ps", folder: "processes", script: processScript, parse: parseProcesses}
	all, unseen, err := kind.look(ctx, l, s, in.To)
	if err != nil {
		return ProcessesOut{}, err
	}
	out := ProcessesOut{Processes: []ContainerProcess{}, Unseen: append([]Unseen{}, unseen...), Items: []custody.Item{}}
	if call.DryRun {
		out.Result = wouldLook(l, all, "processes")
		return out, nil
	}
	for _, one := range all {
		out.add(one)
	}
	out.Status, out.Summary = activities.Done, fmt.Sprintf("kept %d processes of %s in %d files", out.Count, in.Pod, len(out.Items))+notSeen(unseen)
	return out, nil
}

// What fits a history.
const (
	maxShown = 100
	maxWords = 200
)

func (out *ProcessesOut) add(one seen[processList]) {
	out.Items = append(out.Items, one.item)
	out.Count += len(one.Found.Processes)
	for _, p := range one.Found.Processes {
		if len(out.Processes) < maxShown {
			p.Exe, p.Cwd, p.Cmdline = short(p.Exe), short(p.Cwd), shortAll(p.Cmdline)
			out.Processes = append(out.Processes, ContainerProcess{one.Container, p})
		}
	}
}

func short(text string) string {
	if len(text) <= maxWords {
		return text
	}
	return plain(text[:maxWords]) + "…"
}

// shortAll keeps the whole list within one text's length.
func shortAll(words []string) []string {
	out, left := []string{}, maxWords
	for _, w := range words {
		if left <= 0 {
			return append(out, "…")
		}
		out, left = append(out, short(w)), left-len(w)-1
	}
	return out
}
