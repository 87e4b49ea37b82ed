package plan

import "time"

// Alert is an alert in Firebreak's own words, whatever source it came from: the variable `alert` of expressions.
// Every text in it may be an attacker's.
type Alert struct {
	ID       string         `json:"id" doc:"Identity of this one delivery, where the source gives one"`
	Source   string         `json:"source" doc:"Where it came from: falco, alertmanager, cloudevents, schedule or run"`
	Cluster  string         `json:"cluster" doc:"The cluster's name, from the receiver's configuration"`
	Rule     string         `json:"rule" doc:"Name of the rule that fired"`
	Priority string         `json:"priority" doc:"Emergency, Alert, Critical, Error, Warning, Notice, Informational or Debug"`
	Time     time.Time      `json:"time" doc:"When it was seen on the node"`
	Summary  string         `json:"summary" doc:"The source's own sentence; shown, never parsed"`
	Target   Target         `json:"target" doc:"What it is about"`
	Tags     []string       `json:"tags,omitempty" doc:"The source's tags"`
	Fields   map[string]any `json:"fields,omitempty" doc:"The source's fields as they came"`
}

// Target is what an alert is about; fields that the source did not give are empty.
type Target struct {
	Namespace     string `json:"namespace" doc:"Namespace of the pod"`
	Pod           string `json:"pod" doc:"Name of the pod"`
	Owner         string `json:"owner,omitempty" doc:"Name of the controller that runs the pod, such as its Deployment, where the source says"`
	Container     string `json:"container" doc:"Name of the container"`
	ContainerID   string `json:"containerID" doc:"Id of the container, often cut short"`
	Image         string `json:"image" doc:"Image with tag"`
	Node          string `json:"node" doc:"Host name of the node"`
	ProcessName   string `json:"processName" doc:"Name of the process"`
	ProcessParent string `json:"processParent" doc:"Name of its parent"`
}
