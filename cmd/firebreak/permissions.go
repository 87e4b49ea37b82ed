package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/deploy"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

type permissionsFlags struct {
	name string
	out  output
}

func permissionsCommand(a *app) *cobra.Command {
	var f permissionsFlags
	c := &cobra.Command{
		Use:     "permissions PLAYBOOK",
		Short:   "Print the least ClusterRole and IAM policies that a playbook needs",
		GroupID: "playbooks",
		Long: `Prints what a run of this one playbook needs, and nothing else: a ClusterRole, and the IAM policy of the workers at the
cluster and of those that analyze. It follows from what the activities declare, which the tests compare with what they
really call: those of its steps and their undo, of the playbooks that it calls, and what the engine asks for its guards.`,
		Example: `  firebreak permissions pod-compromise | kubectl apply -f -
  firebreak permissions ./playbooks/pod.yaml --output iam-cluster > policy.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			p, err := a.playbook(cfg, args[0])
			if err != nil {
				return err
			}
			return a.permissions(p, f)
		},
	}
	c.Flags().StringVar(&f.name, "name", "", "name of the ClusterRole (default firebreak-PLAYBOOK)")
	f.out.flag(c, "rbac", "iam-cluster", "iam-analysis", "json")
	return c
}

// used gives the declarations of the activities that a plan may call.
func (a *app) used(p plan.Plan) []activities.Definition {
	var out []activities.Definition
	for _, name := range p.Used() {
		if d, known := a.catalog().Find(name); known {
			out = append(out, d)
		}
	}
	return out
}

func (a *app) permissions(p plan.Plan, f permissionsFlags) error {
	if f.name == "" {
		f.name = "firebreak-" + p.Name
	}
	used := a.used(p)
	var text []byte
	var err error
	switch f.out.form {
	case "rbac":
		text = deploy.Role(f.name, used)
	case "iam-cluster":
		text, err = deploy.IAM(used, activities.OnCluster)
	case "iam-analysis":
		text, err = deploy.IAM(used, activities.OnAnalysis)
	default:
		return a.allPermissions(p, used)
	}
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(text)
	return err
}

// needed is everything at once, for programs.
type needed struct {
	Playbook   string          `json:"playbook"`
	Version    string          `json:"version"`
	Activities []string        `json:"activities"`
	Kubernetes []deploy.Rule   `json:"kubernetes"`
	Cluster    json.RawMessage `json:"iamCluster"`
	Analysis   json.RawMessage `json:"iamAnalysis"`
}

func (a *app) allPermissions(p plan.Plan, used []activities.Definition) error {
	cluster, err := deploy.IAM(used, activities.OnCluster)
	if err != nil {
		return fmt.Errorf("permissions of %q: %w", p.Name, err)
	}
	analysis, err := deploy.IAM(used, activities.OnAnalysis)
	if err != nil {
		return fmt.Errorf("permissions of %q: %w", p.Name, err)
	}
	return printJSON(a.stdout, needed{p.Name, p.Version, p.Used(), deploy.Rules(used), cluster, analysis})
}
