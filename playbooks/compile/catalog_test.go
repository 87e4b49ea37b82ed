package compile

import (
	"context"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// The activities below are made up: they have one field of each kind, so that every rule about types can be shown.

type lookIn struct {
	Namespace string `json:"namespace" doc:"Namespace of the pod"`
	Pod       string `json:"pod" doc:"Name of the pod"`
	Deep      bool   `json:"deep,omitempty" doc:"Look into volumes too"`
}

type podRef struct {
	Name  string `json:"name" doc:"Name"`
	Ready bool   `json:"ready,omitempty" doc:"Ready"`
}

type lookOut struct {
	activities.Result

	Node     string            `json:"node" doc:"Node"`
	Provider string            `json:"provider,omitempty" doc:"Provider id"`
	Pods     []podRef          `json:"pods" doc:"Pods"`
	Labels   map[string]string `json:"labels,omitempty" doc:"Labels"`
	Load     float64           `json:"load" doc:"Load"`
	Seen     time.Time         `json:"seen" doc:"When"`
}

type cordonIn struct {
	Node   string            `json:"node" doc:"Name of the node"`
	Labels map[string]string `json:"labels,omitempty" doc:"Labels to set"`
	Days   int               `json:"days,omitempty" doc:"Days"`
	Ratio  float64           `json:"ratio,omitempty" doc:"Ratio"`
	Pods   []podRef          `json:"pods,omitempty" doc:"Pods"`
	Until  time.Time         `json:"until,omitzero" doc:"Until"`
	Data   any               `json:"data,omitempty" doc:"Anything"`
}

type cordonOut struct {
	activities.Result
}

type shootIn struct {
	Instance string `json:"instance" doc:"Instance"`
}

type shootOut struct {
	activities.Result

	Snapshots []snapshot `json:"snapshots" doc:"Snapshots"`
}

type snapshot struct {
	ID string `json:"id" doc:"Id"`
}

type openIn struct {
	Title  string            `json:"title" doc:"Title"`
	Record activities.Record `json:"record,omitzero" doc:"Record of the run"`
}

type openOut struct {
	activities.Result

	URL string `json:"url" doc:"Address"`
}

type pollOut struct {
	activities.Result

	Isolated bool      `json:"isolated" doc:"Nothing comes through"`
	Tries    int       `json:"tries" doc:"How often it was tried"`
	Since    time.Time `json:"since" doc:"When it began"`
}

func run[In, Out any](context.Context, activities.Call, In) (out Out, err error) { return }

func undo[In, Out any](context.Context, activities.Call, In, Out) error { return nil }

type codeIn struct {
	Query    string         `json:"query,omitempty" doc:"Query" code:"promql"`
	Match    string         `json:"match,omitempty" doc:"Expression" code:"regex"`
	Selector string         `json:"selector,omitempty" doc:"Selector" code:"selector"`
	Script   string         `json:"script,omitempty" doc:"Script" code:"shell"`
	Args     []string       `json:"args,omitempty" doc:"Scripts" code:"shell"`
	Record   map[string]any `json:"record" doc:"Record of the run" default:"run.record"`
}

func testCatalog() activities.Catalog {
	return activities.NewCatalog(append(exampleActivities(),
		activities.Define(activities.Activity[codeIn, cordonOut]{
			Name: "code.run", Effect: activities.Read, Place: activities.OnAnalysis, Timeout: time.Minute, Run: run[codeIn, cordonOut],
		}),
		activities.Define(activities.Activity[lookIn, lookOut]{
			Name: "kube.look", Effect: activities.Read, Place: activities.OnCluster, Timeout: time.Minute,
			Run: run[lookIn, lookOut],
		}),
		activities.Define(activities.Activity[cordonIn, cordonOut]{
			Name: "kube.cordon", Effect: activities.Change, Place: activities.OnCluster, Timeout: time.Minute,
			Targets: []activities.TargetField{{Field: "node", Kind: "Node"}, {Field: "pods", Kind: "Pod"}},
			Run:     run[cordonIn, cordonOut], Undo: undo[cordonIn, cordonOut],
		}),
		activities.Define(activities.Activity[shootIn, shootOut]{
			Name: "disk.shoot", Effect: activities.Capture, Volatility: activities.Disk, Place: activities.OnCluster, Timeout: 6 * time.Hour,
			Targets:   []activities.TargetField{{Field: "instance", Kind: "Instance"}},
			Heartbeat: time.Minute, Run: run[shootIn, shootOut],
		}),
		activities.Define(activities.Activity[snapshot, openOut]{
			Name: "disk.read", Effect: activities.Read, Place: activities.OnAnalysis, Timeout: time.Hour,
			Heartbeat: time.Minute, Run: run[snapshot, openOut],
		}),
		activities.Define(activities.Activity[openIn, openOut]{
			Name: "ticket.open", Effect: activities.Capture, Place: activities.OnAnalysis, Timeout: time.Minute,
			Run: run[openIn, openOut],
		}),
		capture("mem.take", activities.Memory),
		capture("proc.take", activities.Processes),
		capture("log.take", activities.Logs),
		activities.Define(activities.Activity[podRef, pollOut]{
			Name: "kube.poll", Effect: activities.Read, Place: activities.OnCluster, Timeout: time.Minute, Run: run[podRef, pollOut],
		}),
		activities.Define(activities.Activity[podRef, cordonOut]{
			Name: "kube.kill", Effect: activities.Destroy, Place: activities.OnCluster, Timeout: time.Minute,
			Targets: []activities.TargetField{{Field: "name", Kind: "Pod"}}, Run: run[podRef, cordonOut],
		}),
		activities.Define(activities.Activity[shootIn, openOut]{
			Name: "slow.thing", Effect: activities.Read, Place: activities.OnAnalysis, Run: run[shootIn, openOut],
		}),
	)...)
}

// capture makes an activity that takes evidence of a pod.
func capture(name string, rank activities.Rank) activities.Definition {
	return activities.Define(activities.Activity[podRef, openOut]{
		Name: name, Effect: activities.Capture, Volatility: rank, Place: activities.OnCluster, Timeout: time.Minute,
		Targets: []activities.TargetField{{Field: "name", Kind: "Pod"}},
		Run:     run[podRef, openOut],
	})
}
