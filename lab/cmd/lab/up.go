package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/lab"
)

func (p *program) up() *cobra.Command {
	var options lab.Options
	var noRealNode, noUI, noInstall bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Build what is missing, start the lab, wait until it is healthy",
		Long: "Builds the servers that are not in the cache, starts them, seeds the shop and breaks into it. When the lab is up\n" +
			"already, it only brings the product's permissions up to date. When it fails, it takes down what it had started.",
		Example: "  lab up\n  lab up --name second --no-real-node\n  lab up --manifests deploy/rbac.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := p.lab()
			if err != nil {
				return err
			}
			if l.Tree, err = p.tree(l.Self); err != nil {
				return err
			}
			if options.Manifests == "" {
				options.Manifests = l.Tree.Manifests()
			}
			options.RealNode, options.UI, options.Install = !noRealNode, !noUI, !noInstall
			begin := l.Now()
			d, already, err := l.Up(cmd.Context(), options)
			if err != nil {
				return err
			}
			if already {
				fmt.Fprintf(p.stdout, "the lab %q is up already\n\n", p.name)
			} else {
				fmt.Fprintf(p.stdout, "the lab %q is up, after %s\n\n", p.name, l.Now().Sub(begin).Round(100*time.Millisecond))
			}
			return p.printLab(l, d)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&noRealNode, "no-real-node", false, "leave out the real node; kwok plays all of them")
	flags.BoolVar(&noUI, "no-ui", false, "leave out the Temporal Web UI")
	flags.BoolVar(&noInstall, "no-install", false, "do not install Debian packages, even as root")
	flags.StringVar(&options.Manifests, "manifests", "", "the product's service account and roles (default deploy/rbac.yaml of the checkout)")
	return cmd
}

func (p *program) down() *cobra.Command {
	return &cobra.Command{
		Use:     "down",
		Short:   "End exactly what `lab up` started, also when it was killed; the logs stay",
		Example: "  lab down\n  lab down --name second",
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := p.lab()
			if err != nil {
				return err
			}
			wasUp, err := l.Down(cmd.Context())
			if err != nil {
				return err
			}
			if wasUp {
				fmt.Fprintf(p.stdout, "the lab %q is down; its logs stay in %s/logs\n", p.name, l.Dir)
			} else {
				fmt.Fprintf(p.stdout, "the lab %q was not up\n", p.name)
			}
			return nil
		},
	}
}

func (p *program) attack() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "attack",
		Short:   "Break into a pod that no case holds, and write the alert that Falco would send",
		Example: "  lab attack\n  firebreak run pod-compromise --alert \"$(lab attack --output json | jq -r .alert)\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output, "text", "json"); err != nil {
				return err
			}
			l, err := p.lab()
			if err != nil {
				return err
			}
			d, err := l.Attack(cmd.Context())
			if err != nil {
				return err
			}
			if output == "json" {
				return p.printJSON(d.Scenario)
			}
			p.printAttack(d.Scenario)
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return cmd
}

func (p *program) printAttack(s lab.Scenario) {
	a := s.Attack
	fmt.Fprintf(p.stdout, "broke into pod %s/%s on node %s\n", s.Namespace, a.Pod, a.Node)
	if a.Dropped != "" {
		fmt.Fprintf(p.stdout, "dropped    %s, running; SHA-256 %s\nchanged    %s\ndeleted    %s\n",
			a.Dropped, a.SHA256, strings.Join(a.Changed, ", "), strings.Join(a.Deleted, ", "))
	}
	fmt.Fprintf(p.stdout, "alert      %s\n", a.Alert)
}
