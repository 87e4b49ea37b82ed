package compile

import (
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// The activities below have the names and the fields that the worked example of the language uses, and no others.

type examplePod struct {
	Name string `json:"name" doc:"Name"`
	Node string `json:"node" doc:"Node"`
}

type (
	scopeOut struct {
		activities.Result

		Node string       `json:"node" doc:"Node"`
		Pods []examplePod `json:"pods" doc:"Pods"`
	}
	nodeIn struct {
		Node   string            `json:"node" doc:"Node"`
		Labels map[string]string `json:"labels,omitempty" doc:"Labels"`
	}
	onPod struct {
		Pod      examplePod `json:"pod" doc:"Pod"`
		To       string     `json:"to,omitempty" doc:"Evidence store"`
		Previous bool       `json:"previous,omitempty" doc:"Previous runs too"`
	}
	onPods struct {
		Pods []examplePod `json:"pods" doc:"Pods"`
	}
	queryIn struct {
		Query string `json:"query" code:"promql" doc:"Query"`
	}
	idOut struct {
		activities.Result

		ID string `json:"id" doc:"Id"`
	}
	isolatedOut struct {
		activities.Result

		Isolated bool `json:"isolated" doc:"Nothing comes through"`
	}
	lockOf struct {
		Mode string `json:"mode" doc:"Mode"`
		Days int    `json:"days" doc:"Days"`
	}
	volumesIn struct {
		Instance string `json:"instance" doc:"Instance"`
		Lock     lockOf `json:"lock,omitzero" doc:"Lock"`
	}
	readIn struct {
		Snapshot string `json:"snapshot" doc:"Snapshot"`
		To       string `json:"to" doc:"Evidence store"`
	}
	finding struct {
		ID       string `json:"id" doc:"Id"`
		Title    string `json:"title" doc:"Title"`
		Severity string `json:"severity" doc:"Severity"`
	}
	findingsOut struct {
		activities.Result

		Findings []finding `json:"findings" doc:"Findings"`
	}
	toIn struct {
		To      string   `json:"to" doc:"Evidence store"`
		Formats []string `json:"formats,omitempty" doc:"Formats"`
	}
	sealOut struct {
		activities.Result

		Manifest string `json:"manifest" doc:"Manifest"`
	}
	doneOut struct {
		activities.Result
	}
)

func exampleActivities() []activities.Definition {
	return []activities.Definition{
		one[lookIn, scopeOut]("kube.identify_pod", activities.Read),
		one[nodeIn, idOut]("aws.find_instance", activities.Read),
		one[queryIn, doneOut]("telemetry.query_prometheus", activities.Read),
		one[nodeIn, doneOut]("kube.label_node", activities.Change),
		one[nodeIn, doneOut]("kube.cordon_node", activities.Change),
		one[onPod, doneOut]("kube.isolate_pod", activities.Change),
		one[onPod, isolatedOut]("kube.verify_isolation", activities.Read),
		ranked[onPod, doneOut]("live.checkpoint", activities.Memory),
		ranked[onPod, doneOut]("live.processes", activities.Processes),
		ranked[onPod, doneOut]("live.logs", activities.Logs),
		ranked[volumesIn, shootOut]("aws.snapshot_volumes", activities.Disk),
		one[readIn, findingsOut]("forensics.analyze_snapshot", activities.Read),
		one[onPods, doneOut]("kube.delete_pod", activities.Destroy),
		one[toIn, sealOut]("evidence.seal", activities.Read),
		one[toIn, doneOut]("report.render", activities.Read),
	}
}

func one[In, Out any](name string, effect activities.Effect) activities.Definition {
	a := activities.Activity[In, Out]{Name: name, Effect: effect, Place: activities.OnCluster, Timeout: time.Minute, Heartbeat: time.Minute, Run: run[In, Out]}
	if effect == activities.Change {
		a.Undo = undo[In, Out]
	}
	return activities.Define(a)
}

func ranked[In, Out any](name string, rank activities.Rank) activities.Definition {
	d := one[In, Out](name, activities.Capture)
	d.Volatility = rank
	return d
}
