package workflows

import (
	"cmp"
	"encoding/json"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// DescribeTargets is the activity that says what the guards need to know of targets.
const DescribeTargets = "kube.describe_targets"

// The kinds of targets that a cluster knows. Anything else, such as an EC2 instance, counts as the node that it carries.
const (
	podKind  = "Pod"
	nodeKind = "Node"
)

// Target is one object that a change acts on.
type Target struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	UID       string `json:"uid,omitempty"`
}

// String is the target in words, such as pod/shop/web-0.
func (t Target) String() string {
	text := strings.ToLower(t.Kind) + "/"
	if t.Namespace != "" {
		text += t.Namespace + "/"
	}
	return text + Plain(t.Name, maxLabel)
}

// key tells two targets apart. A pod of the same name with another UID is another pod; alerts know a node by its name alone.
func (t Target) key() string {
	if t.Kind == podKind && t.UID != "" {
		return t.String() + "@" + t.UID
	}
	return t.String()
}

// targetsOf reads the targets from an activity's input: a name, an object that holds one, or a list of these.
func targetsOf(named []plan.TargetField, input any) []Target {
	fields, _ := input.(map[string]any)
	var list []Target
	for _, f := range named {
		list = append(list, targetsIn(f.Kind, fields[f.Field], fields)...)
	}
	return list
}

func targetsIn(kind string, value any, beside map[string]any) []Target {
	switch v := value.(type) {
	case string:
		space, _ := beside["namespace"].(string)
		if v == "" {
			return nil
		}
		if kind != podKind {
			space = ""
		}
		return []Target{{Kind: kind, Namespace: space, Name: v}}
	case map[string]any:
		text := func(name string) string { s, _ := v[name].(string); return s }
		name := cmp.Or(text("name"), text(strings.ToLower(kind)), text("id"))
		if name == "" {
			return nil
		}
		return []Target{{Kind: kind, Namespace: text("namespace"), Name: name, UID: text("uid")}}
	case []any:
		var list []Target
		for _, item := range v {
			list = append(list, targetsIn(kind, item, nil)...)
		}
		return list
	}
	return nil
}

// described is what kube.describe_targets answers: the targets in the order of the question.
type described struct {
	Targets []description `json:"targets"`
	Nodes   int           `json:"nodes"` // how many the cluster has
}

type description struct {
	Exists       bool           `json:"exists"`
	Labels       map[string]any `json:"labels"` // texts; never ranged over
	ControlPlane bool           `json:"controlPlane"`
}

// describe asks the cluster about the targets, where a rule needs to know more than their names.
func (in *inspection) describe(ctx workflow.Context) error {
	if len(in.targets) == 0 || !in.curious() {
		return nil
	}
	raw, err := in.ask(ctx, DescribeTargets, "looks at "+in.targets[0].String(), looking(), map[string]any{"targets": in.targets})
	if err != nil {
		return err
	}
	answer, err := readFacts(in.path, raw, len(in.targets))
	if err != nil {
		return err
	}
	in.nodes = answer.Nodes
	for i, t := range in.targets {
		in.known[t.key()] = answer.Targets[i]
	}
	return in.c.gate(ctx)
}

func readFacts(path string, raw json.RawMessage, asked int) (described, error) {
	var answer described
	if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Targets) != asked {
		return described{}, &failure{path, string(activities.Unsupported), "the guards cannot read what " + DescribeTargets + " says of the targets",
			"run workers of one version, then retry"}
	}
	return answer, nil
}

// curious tells whether any rule looks at more than names.
func (in *inspection) curious() bool {
	if in.c.in.Mode == plan.Drill {
		return true
	}
	for _, r := range in.rules {
		if r.Protect.When != nil {
			return true
		}
		for _, t := range in.targets {
			if t.Kind != podKind && (r.NodePercent > 0 || !r.Protect.OpenControlPlane) {
				return true
			}
		}
	}
	return false
}

// ask runs an activity that only looks, on behalf of the guards.
func (in *inspection) ask(ctx workflow.Context, name, about string, u *plan.Uses, input any) (json.RawMessage, error) {
	path := in.path + "/guards"
	options := activityOptions(in.c.in.Cluster, u, in.c.activityID(in.path)+"/guards/"+name, summaryOf(in.step.Phase, path, about))
	if u.Place == onEngine {
		options.TaskQueue = Queue
	}
	raw, err := in.c.execute(ctx, options, name, ActivityInput{Call: in.c.callOf(path, path), Input: encode(input)})
	return raw, outcomeOf(in.path, err)
}
