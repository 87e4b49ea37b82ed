package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/compile"
)

// run runs one command line and gives the exit code.
func run(ctx context.Context, sys system, args []string) int {
	root := rootCommand(sys)
	root.SetArgs(args)
	root.SetIn(sys.stdin)
	root.SetOut(sys.stdout)
	root.SetErr(sys.stderr)
	command, err := root.ExecuteContextC(ctx)
	return report(sys.stderr, command.CommandPath(), err)
}

// app is what all commands share: the machine, and the flags that every command takes.
type app struct {
	system
	configFile string
	shelf      *shelf         // of a command that compiles whole folders
	types      *compile.Types // of that command too
}

func rootCommand(sys system) *cobra.Command {
	a := &app{system: sys}
	root := &cobra.Command{
		Use:   "firebreak",
		Short: "Durable incident-response playbooks for Kubernetes",
		Long: `Firebreak turns an alert into a contained, preserved, analyzed and ticketed case. Playbooks are YAML; Temporal
runs them, so that nothing is lost and nothing is done twice, whatever is killed when.

Connections follow Temporal's (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS_…), kubectl's (KUBECONFIG) and the
AWS SDK's own environment and files. The rest stands in firebreak.yaml.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          unknownCommand,

		SuggestionsMinimumDistance: 2,
	}
	root.PersistentFlags().StringVar(&a.configFile, "config", "", "configuration file (default firebreak.yaml, then /etc/firebreak/firebreak.yaml)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddGroup(
		&cobra.Group{ID: "serve", Title: "Serve:"},
		&cobra.Group{ID: "cases", Title: "Cases:"},
		&cobra.Group{ID: "playbooks", Title: "Playbooks:"},
	)
	for _, c := range commands(a) {
		root.AddCommand(c)
		checkArguments(c)
	}
	return root
}

func unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	text := fmt.Sprintf("there is no command %q", args[0])
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usage(errors.New(text))
}

// checkArguments makes every complaint about arguments and required flags a usage error.
func checkArguments(c *cobra.Command) {
	check := c.Args
	c.Args = func(c *cobra.Command, args []string) error {
		err := c.ValidateRequiredFlags()
		if err == nil && check != nil {
			err = check(c, args)
		}
		if err != nil {
			return usage(fmt.Errorf("%w; it is used as: %s", err, c.UseLine()))
		}
		return nil
	}
	for _, sub := range c.Commands() {
		checkArguments(sub)
	}
}
