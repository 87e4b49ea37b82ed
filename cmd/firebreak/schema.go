package main

import (
	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/schema"
)

func schemaCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of playbooks, for editors",
		GroupID: "playbooks",
		Long: `Prints the JSON Schema (draft 7) of playbooks that use this build's activities. Editors with a language server for YAML
complete and check with it; put this line at the top of a playbook:

  # yaml-language-server: $schema=playbook.schema.json

An editor cannot see what an expression gives: firebreak lint can.`,
		Example: `  firebreak schema > playbook.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			raw, err := schema.Of(a.catalog())
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(raw)
			return err
		},
	}
}
