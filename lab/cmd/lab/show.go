package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/lab"
)

func (p *program) status() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Say what of the lab runs, and where; exit code 1 when it is not wholly up",
		Example: "  lab status\n  lab status --output json",
		RunE: func(*cobra.Command, []string) error {
			if err := checkOutput(output, "text", "json"); err != nil {
				return err
			}
			l, err := p.lab()
			if err != nil {
				return err
			}
			state, err := l.Status()
			if err != nil {
				return err
			}
			if output == "json" {
				err = p.printJSON(state)
			} else {
				err = p.printState(state)
			}
			if err == nil && !state.Up {
				err = errNotUp
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return cmd
}

func (p *program) env() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "env",
		Short:   "Print the environment that points clients and tests at the lab",
		Example: "  eval \"$(lab env)\"\n  lab env --output json",
		RunE: func(*cobra.Command, []string) error {
			if err := checkOutput(output, "shell", "json"); err != nil {
				return err
			}
			l, err := p.lab()
			if err != nil {
				return err
			}
			d, err := l.Running()
			if err != nil {
				return err
			}
			if output == "json" {
				return p.printJSON(d)
			}
			for _, v := range d.Env() {
				fmt.Fprintf(p.stdout, "export %s=%s\n", v.Name, quote(v.Value))
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "shell", "shell or json")
	return cmd
}

func checkOutput(output string, known ...string) error {
	if !slices.Contains(known, output) {
		return usageError{fmt.Errorf("--output %q: use %s", output, strings.Join(known, " or "))}
	}
	return nil
}

// quote makes one word for a POSIX shell.
func quote(value string) string { return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'" }

func (p *program) printJSON(v any) error {
	encoder := json.NewEncoder(p.stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

func (p *program) printState(state lab.State) error {
	if len(state.Processes) == 0 {
		fmt.Fprintf(p.stdout, "the lab %q is not up\n", state.Name)
		return nil
	}
	if err := p.printProcesses(state); err != nil || state.Description == nil {
		return err
	}
	return p.printPlaces(*state.Description)
}

func (p *program) printProcesses(state lab.State) error {
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PROCESS\tPID\tSTATE\tLOG")
	for _, row := range state.Processes {
		condition := "runs"
		if !row.Running {
			condition = "ended"
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", row.Name, row.PID, condition, row.Log)
	}
	fmt.Fprintln(table)
	return table.Flush()
}

// printLab shows a lab that is up, and what to do with it.
func (p *program) printLab(l lab.Lab, d lab.Description) error {
	state, err := l.Status()
	if err != nil {
		return err
	}
	if err := p.printProcesses(state); err != nil {
		return err
	}
	if err := p.printPlaces(d); err != nil {
		return err
	}
	this := l.Self + " "
	if p.name != "default" {
		this += "--name " + p.name + " "
	}
	if p.dir != "" {
		this += "--dir " + p.dir + " "
	}
	fmt.Fprintf(p.stdout, "\nuse it    eval \"$(%[1]senv)\"\nlook      %[1]sstatus\nattack    %[1]sattack\nend it    %[1]sdown\n", this)
	return nil
}

func (p *program) printPlaces(d lab.Description) error {
	var names []string
	for _, node := range d.Nodes {
		names = append(names, node.Name)
	}
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"Temporal", d.Temporal.Address + ", namespace " + d.Temporal.Namespace},
		{"Temporal Web UI", d.Temporal.UI},
		{"Kubernetes", d.Kubernetes.Server},
		{"  as administrator", "KUBECONFIG=" + d.Kubernetes.Admin},
		{"  as the worker", d.Kubernetes.Worker},
		{"  audit log", d.Kubernetes.Audit},
		{"  nodes", strings.Join(names, " ")},
		{"AWS", d.AWS.Endpoint + ", " + d.AWS.Region},
		{"  faults", d.AWS.Faults},
		{"Prometheus", d.Prometheus},
		{"scenario", d.Scenario.Namespace + "/" + d.Scenario.Pod + " on " + d.Scenario.Node},
		{"  alert", d.Scenario.Alert},
		{"docker-explorer", d.Tools.DockerExplorer},
		{"directory", d.Dir},
	} {
		if row[1] != "" {
			fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
		}
	}
	for _, what := range d.LeftOut {
		fmt.Fprintf(table, "left out\t%s\n", strings.ReplaceAll(what, "\n", "; "))
	}
	return table.Flush()
}
