package main

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
)

func deploymentRampCommand(a *app, name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "ramp BUILD PERCENT",
		Short: "Let a share of the new cases begin on a build; 0 ends that",
		Example: `  firebreak deployment ramp 2026.11.2 10
  firebreak deployment ramp 2026.11.2 0`,
		Args: cobra.ExactArgs(2), ValidArgsFunction: completeBuild(a, name),
		RunE: func(c *cobra.Command, args []string) error {
			percent, err := strconv.ParseFloat(args[1], 32)
			if err != nil || !(percent >= 0 && percent <= 100) {
				return usage(fmt.Errorf("PERCENT must be a number from 0 to 100, not %q", args[1]))
			}
			return a.ofDeployment(*name, func(d desk, name string) error {
				if err := d.Ramp(c.Context(), name, args[0], float32(percent)); err != nil {
					return err
				}
				_, err := fmt.Fprintf(a.stdout, "%s: %g %% of the new cases begin on it\n", safe(args[0]), percent)
				return err
			})
		},
	}
}

func deploymentOffCommand(a *app, name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "off",
		Short: "Let new cases begin on workers without a build",
		Long: `Before workers are started without deployment again: new cases would wait for a worker of the current build. Open cases stay
on their builds, whose workers are needed until the builds are drained.`,
		Example: "  firebreak deployment off",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.ofDeployment(*name, func(d desk, name string) error {
				before, err := d.Promote(c.Context(), name, "")
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(a.stdout, "new cases begin on workers without a build; before: %s\n", safe(cmp.Or(before, "the same")))
				return err
			})
		},
	}
}
