package live

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// LogsIn says whose logs are kept.
type LogsIn struct {
	Pod      PodRef `json:"pod" doc:"The pod, as kube.identify_pod gives it in pods"`
	To       string `json:"to,omitempty" doc:"Evidence store, file:// and the worker's own directory; the worker's own when empty"`
	Previous *bool  `json:"previous,omitempty" doc:"Whether the logs of the runs before the last restart are kept too; true when left out"`
}

// LogsOut says which logs are evidence now, and which could not be read.
type LogsOut struct {
	activities.Result
	Logs   []Log    `json:"logs" doc:"The logs that are evidence now"`
	Unread []Unread `json:"unread" doc:"The logs that could not be read, each with the reason"`
	Bytes  int64    `json:"bytes" doc:"Size of all of them together"`
}

// Log is the log of one run of one container.
type Log struct {
	Container string       `json:"container" doc:"The container's name"`
	Previous  bool         `json:"previous" doc:"Whether it is the log of the run before the last restart"`
	Cut       bool         `json:"cut,omitempty" doc:"The pod was deleted while the log was read: the file ends where the connection did"`
	Item      custody.Item `json:"item" doc:"The file"`
}

// Unread is a log that could not be read.
type Unread struct {
	Container string `json:"container" doc:"The container's name"`
	Previous  bool   `json:"previous" doc:"Whether it is the log of the run before the last restart"`
	Why       string `json:"why" doc:"What the API server or the kubelet said"`
}

// Logs keeps the logs of all containers of one pod.
func Logs(c Cluster, s Store) activities.Definition {
	return activities.Define(activities.Activity[LogsIn, LogsOut]{
		Name:        "live.logs",
		Summary:     "Keeps the logs of all containers of one pod, previous runs included, with timestamps.",
		Effect:      activities.Capture,
		Volatility:  activities.Logs,
		Place:       activities.OnCluster,
		Targets:     []activities.TargetField{{Field: "pod", Kind: "Pod"}},
		Idempotency: "A log that this call has kept already is not read again.",
		Permissions: []activities.Permission{
			{Resource: "pods", Verbs: []string{"get"}, Why: "see which containers there are and that the pod is still the same"},
			{Resource: "pods/log", Verbs: []string{"get"}, Why: "read their logs"},
		},
		Timeout:   10 * time.Minute,
		Heartbeat: 15 * time.Second,
		Example:   "- id: logs\n  phase: preserve\n  uses: live.logs\n  with:\n    pod: {namespace: shop, name: web-0, uid: 6d1f0c0e-5d6c-4a53-9b39-3f1f3d7a1c11}\n",
		Run: func(ctx context.Context, call activities.Call, in LogsIn) (LogsOut, error) {
			return keepLogs(ctx, c, s, call, in)
		},
	})
}

func keepLogs(ctx context.Context, c Cluster, s Store, call activities.Call, in LogsIn) (LogsOut, error) {
	if err := activities.CheckStore(s, in.To); err != nil {
		return LogsOut{}, err
	}
	k, err := connect(c)
	if err != nil {
		return LogsOut{}, err
	}
	pod, err := getPod(ctx, k, in.Pod)
	if kind, _ := activities.KindOf(err); kind == activities.NotFound && !call.DryRun {
		return keptBefore(ctx, s, call, in.Pod, err)
	}
	if err != nil {
		return LogsOut{}, err
	}
	sources := in.wanted(sourcesOf(pod))
	if call.DryRun {
		return wouldKeep(in.Pod, sources), nil
	}
	to, by, err := open(s, call)
	if err != nil {
		return LogsOut{}, err
	}
	out := LogsOut{Logs: []Log{}, Unread: []Unread{}}
	var failed []error
	for _, src := range sources {
		if pod.Spec.NodeName == "" { // the API server would answer with an empty log
			out.Unread = append(out.Unread, Unread{src.container, src.previous, "the pod is on no node"})
			continue
		}
		if err := out.keep(ctx, reader{k, in.Pod}, src, to, by); err != nil {
			failed = append(failed, err)
		}
	}
	if err := errors.Join(failed...); err != nil {
		return LogsOut{}, err
	}
	return out, out.conclude(to, by, in.Pod)
}

// wanted leaves the earlier runs out where they are not asked for.
func (in LogsIn) wanted(all []source) []source {
	if in.Previous == nil || *in.Previous {
		return all
	}
	return slices.DeleteFunc(all, func(s source) bool { return s.previous })
}

// keptBefore gives what earlier attempts of the call have kept of a pod that is no more. Where that is nothing, the pod
// is not found.
func keptBefore(ctx context.Context, s Store, call activities.Call, pod PodRef, gone error) (LogsOut, error) {
	to, by, err := open(s, call)
	if err != nil {
		return LogsOut{}, err
	}
	items, err := to.Kept(ctx, by)
	if err != nil {
		return LogsOut{}, err
	}
	out := LogsOut{Logs: []Log{}, Unread: []Unread{{Container: "*", Why: "whatever an earlier attempt had not read yet: " + gone.Error()}}}
	for _, item := range items {
		src := sourceOf(item.Path)
		out.Logs = append(out.Logs, Log{Container: src.container, Previous: src.previous, Item: item})
		out.Bytes += item.Size
	}
	if len(out.Logs) == 0 {
		return LogsOut{}, gone
	}
	return out, out.conclude(to, by, pod)
}

// keep adds one log to the evidence. What the API server calls impossible is noted; anything else may pass with time,
// and the next attempt goes on with the logs that are missing.
func (out *LogsOut) keep(ctx context.Context, r reader, src source, to *custody.Case, by custody.By) error {
	file := src.file(r.pod)
	item, err := to.Put(ctx, by, file, "log", r.stream(ctx, src, out.Bytes, func(why error) error {
		return to.Note(by, cutNote(file)+why.Error())
	}))
	if impossible(err) {
		out.Unread = append(out.Unread, Unread{Container: src.container, Previous: src.previous, Why: err.Error()})
		return nil
	}
	if err != nil {
		return fmt.Errorf("log of container %q: %w", src.container, writtenOnce(err))
	}
	out.Logs = append(out.Logs, Log{Container: src.container, Previous: src.previous, Item: item})
	out.Bytes += item.Size
	return nil
}

// cutNote begins the custody log's note of a log that is not whole. It is written before the file becomes evidence.
func cutNote(file string) string {
	return file + " is cut short, the pod was deleted while it was read: "
}

// markCut marks the logs of which the custody log says that they are cut short, whichever attempt has read them.
func (out *LogsOut) markCut(to *custody.Case, by custody.By) error {
	entries, err := to.Log()
	if err != nil {
		return err
	}
	for i, l := range out.Logs {
		out.Logs[i].Cut = slices.ContainsFunc(entries, func(e custody.Entry) bool {
			return e.Action == custody.Noted && e.By == by && strings.HasPrefix(e.Text, cutNote(l.Item.Path))
		})
	}
	return nil
}

func (out *LogsOut) conclude(to *custody.Case, by custody.By, pod PodRef) error {
	out.Status = activities.Done
	if len(out.Logs) == 0 {
		out.Status = activities.Skipped
	}
	out.Summary = fmt.Sprintf("kept %d logs of %s, %d bytes", len(out.Logs), pod, out.Bytes)
	if err := out.markCut(to, by); err != nil {
		return err
	}
	var cut, unread []string
	for _, l := range out.Logs {
		if l.Cut {
			cut = append(cut, source{l.Container, l.Previous}.String())
		}
	}
	for _, u := range out.Unread {
		unread = append(unread, source{u.Container, u.Previous}.String())
	}
	if len(cut) > 0 {
		out.Summary += "; cut short when the pod was deleted: " + strings.Join(cut, ", ")
	}
	if len(unread) > 0 {
		out.Summary += "; could not read: " + strings.Join(unread, ", ")
	}
	return nil
}

func wouldKeep(pod PodRef, sources []source) LogsOut {
	out := LogsOut{Logs: []Log{}, Unread: []Unread{}}
	for _, src := range sources {
		out.Would = append(out.Would, activities.Difference{Object: src.file(pod), Field: "content", To: "log of container " + src.String()})
	}
	out.Status, out.Summary = activities.Done, fmt.Sprintf("would keep %d logs of %s", len(sources), pod)
	return out
}

// source is one log that the kubelet may have.
type source struct {
	container string
	previous  bool
}

// String is the container's name, and whether an earlier run of it is meant.
func (s source) String() string {
	if s.previous {
		return s.container + " (previous run)"
	}
	return s.container
}

// file is the log's place in the case. All parts are names that the API server has checked.
func (s source) file(pod PodRef) string {
	name := s.container + ".log"
	if s.previous {
		name = s.container + ".previous.log"
	}
	return path.Join("data", "logs", pod.Namespace, pod.Name+"-"+pod.UID, name)
}

// sourceOf reads a log's place back. No container's name has a dot.
func sourceOf(file string) source {
	name, rest, _ := strings.Cut(path.Base(file), ".")
	return source{name, rest == "previous.log"}
}

// sourcesOf lists every container, init and ephemeral ones too, and the run before the last restart where there was one.
func sourcesOf(pod *corev1.Pod) []source {
	var names []string
	for _, c := range pod.Spec.InitContainers {
		names = append(names, c.Name)
	}
	for _, c := range pod.Spec.Containers {
		names = append(names, c.Name)
	}
	for _, c := range pod.Spec.EphemeralContainers {
		names = append(names, c.Name)
	}
	restarted := restartedIn(pod)
	var out []source
	for _, name := range names {
		if slices.Contains(restarted, name) {
			out = append(out, source{name, true})
		}
		out = append(out, source{name, false})
	}
	return out
}

func restartedIn(pod *corev1.Pod) []string {
	var names []string
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses, pod.Status.EphemeralContainerStatuses) {
		if s.RestartCount > 0 || s.LastTerminationState.Terminated != nil {
			names = append(names, s.Name)
		}
	}
	return names
}
