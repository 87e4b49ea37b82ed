package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/worker"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

func deploymentCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "deployment",
		Short:   "Show and promote the builds of the interpreter's workers",
		GroupID: "serve",
		Long: `With deployment in firebreak.yaml a case is pinned to the build of the worker that it began on: an upgrade never changes how an
open case goes on. Keep a build's workers until it is drained.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var name string
	c.PersistentFlags().StringVar(&name, "deployment", "", "name of the worker deployment (default deployment.name)")
	c.AddCommand(deploymentListCommand(a, &name), deploymentPromoteCommand(a, &name), deploymentRampCommand(a, &name), deploymentOffCommand(a, &name))
	return c
}

func deploymentListCommand(a *app, name *string) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:   "list",
		Short: "List the builds, the newest first, and which one takes new cases",
		Example: `  firebreak deployment list
  firebreak deployment list --output json | jq -r '.[] | select(.status == "drained").build'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.ofDeployment(*name, func(d desk, name string) error {
				builds, err := d.Builds(c.Context(), name)
				if err != nil {
					return err
				}
				return a.buildTable(builds, out)
			})
		},
	}
	out.flag(c, "text", "json")
	return c
}

func (a *app) buildTable(builds []cases.Build, out output) error {
	if out.json() {
		return printJSON(a.stdout, builds)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "BUILD\tSTATUS\tSINCE (UTC)")
	for _, b := range builds {
		fmt.Fprintf(w, "%s\t%s\t%s\n", safe(b.ID), b.Status, b.Since.UTC().Format(time.DateTime))
	}
	return w.Flush()
}

func deploymentPromoteCommand(a *app, name *string) *cobra.Command {
	return &cobra.Command{
		Use:     "promote BUILD",
		Short:   "Let new cases begin on a build; open ones stay on theirs",
		Example: "  firebreak deployment promote 2026.11.2",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: completeBuild(a, name),
		RunE: func(c *cobra.Command, args []string) error {
			return a.ofDeployment(*name, func(d desk, name string) error {
				before, err := d.Promote(c.Context(), name, args[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(a.stdout, "%s: new cases begin on it; before: %s\n", safe(args[0]), safe(cmp.Or(before, "none")))
				return err
			})
		},
	}
}

// ofDeployment prepares the connection and the deployment's name.
func (a *app) ofDeployment(name string, do func(d desk, name string) error) error {
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	if name = cmp.Or(name, cfg.Deployment.Name); name == "" {
		return wrongf("no deployment is configured: workers take every case; name it under deployment, or with --deployment")
	}
	return a.connected(cfg, nil, func(d desk) error {
		err := do(d, name)
		if errors.Is(err, cases.ErrNoBuild) {
			return wrong(err)
		}
		return err
	})
}

func completeBuild(a *app, name *string) cobra.CompletionFunc {
	return completeOne(func(c *cobra.Command) []string {
		var ids []string
		ctx, cancel := context.WithTimeout(c.Context(), 2*time.Second)
		defer cancel()
		_ = a.ofDeployment(*name, func(d desk, name string) error { // a completion that fails completes nothing
			builds, err := d.Builds(ctx, name)
			for _, b := range builds {
				ids = append(ids, b.ID+"\t"+b.Status)
			}
			return err
		})
		return ids
	})
}

// deployed is the build that a worker is. The version of a binary that is no release tells no builds apart: cases would be
// pinned to a name, and not to a build.
func (a *app) deployed(cfg config.Config, f workerFlags) (worker.Build, error) {
	b := worker.Build{Deployment: cmp.Or(f.deployment, cfg.Deployment.Name)}
	if b.Deployment == "" {
		return b, nil
	}
	version := a.build().Version
	b.ID = cmp.Or(f.build, cfg.Deployment.Build, version)
	if b.ID == version && !released(version) {
		return b, wrongf("deployment: the version %s of this binary is shared by many builds; name this one with --build or deployment.build", version)
	}
	return b, nil
}

// released tells the versions that stand for one binary from what the Go tool says of a checkout with changes.
func released(version string) bool {
	return version != "" && version != "unknown" && version != "(devel)" && !strings.HasSuffix(version, "+dirty")
}
