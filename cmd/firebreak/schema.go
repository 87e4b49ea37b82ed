package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/schema"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func schemaCommand(a *app) *cobra.Command {
	var activity string
	c := &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of playbooks, for editors",
		GroupID: "playbooks",
		Long: `Prints the JSON Schema (draft 7) of playbooks that use this build's activities. Editors with a language server for YAML
complete and check with it; put this line at the top of a playbook:

  # yaml-language-server: $schema=playbook.schema.json

An editor cannot see what an expression gives: firebreak lint can.`,
		Example: `  firebreak schema > playbook.schema.json
  firebreak schema --activity kube.isolate_pod`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			raw, err := a.schema(activity)
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(raw)
			return err
		},
	}
	c.Flags().StringVar(&activity, "activity", "", "print the schema of this activity's input instead")
	return c
}

func (a *app) schema(activity string) ([]byte, error) {
	if activity == "" {
		return schema.Of(a.catalog())
	}
	d, known := a.catalog().Find(activity)
	if !known {
		var names []string
		for _, d := range a.catalog().All() {
			names = append(names, d.Name)
		}
		return nil, usage(fmt.Errorf("there is no activity %q%s", activity, syntax.DidYouMean(activity, names)))
	}
	return schema.OfInput(d)
}
