package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/graph"
)

func graphCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "graph PLAYBOOK",
		Short:   "Draw a playbook as a Mermaid flowchart",
		GroupID: "playbooks",
		Long: `Prints a flowchart in Mermaid's language: phases as frames, activities as boxes, conditions and approvals as diamonds,
loops, branches that run together, what catches a failure, and what runs at the end in any case. GitHub, GitLab and many
editors draw it from a block that is marked mermaid.`,
		Example: `  firebreak graph pod-compromise > pod-compromise.mmd`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			p, err := a.playbook(cfg, args[0])
			if err != nil {
				return err
			}
			_, err = io.WriteString(a.stdout, graph.Mermaid(p))
			return err
		},
	}
}
