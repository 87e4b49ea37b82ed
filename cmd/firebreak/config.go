package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func configCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Work with firebreak.yaml",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(configCheckCommand(a))
	return c
}

func configCheckCommand(a *app) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:   "check",
		Short: "Check firebreak.yaml, what it names, and the inputs that it gives to playbooks",
		Example: `  firebreak config check
  firebreak config check --config deploy/firebreak.yaml --output json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, problems, err := config.Load(a.configFile, a.env)
			if err != nil {
				return err
			}
			problems = append(problems, cfg.Check(a.env)...)
			if len(problems) == 0 {
				_, found, err := a.playbooks(cfg)
				if err != nil {
					return err
				}
				problems = found
			}
			return a.checked(cfg, problems, out)
		},
	}
	out.flag(c, "text", "json")
	return c
}

func (a *app) checked(cfg config.Config, problems []syntax.Problem, out output) error {
	if err := a.problems(problems, out); err != nil || out.json() {
		return err
	}
	if cfg.File == "" {
		_, err := fmt.Fprintln(a.stdout, "no firebreak.yaml: the defaults are used")
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "%s: nothing to say\n", cfg.File)
	return err
}

// settings reads the configuration for a command that works with it.
func (a *app) settings() (config.Config, error) {
	cfg, problems, err := config.Load(a.configFile, a.env)
	if err != nil {
		return config.Config{}, err
	}
	if len(problems) > 0 {
		for _, p := range problems {
			fmt.Fprintln(a.stderr, safe(p.Error()))
		}
		return config.Config{}, said(exitWrong)
	}
	return cfg, nil
}
