package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/playbooks/library"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/triggers/falco"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

type runFlags struct {
	alert  string
	dryRun bool
	watch  bool
	inputs []string
	out    output
}

func runCommand(a *app) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:     "run PLAYBOOK --alert FILE",
		Short:   "Run a playbook on an alert from a file",
		GroupID: "cases",
		Long: `Starts a playbook as if the alert had come in. PLAYBOOK is a file, the name of a loaded playbook or of one in the
library. The alert is a Falco alert as falcosidekick sends it; - means standard input. An alert whose dedup key is that
of a running case joins it.

With --dry-run each activity reports what it would change and changes nothing. A dry run is a case of its own: it joins
no other one, and no alert joins it.`,
		Example: `  firebreak run pod-compromise --alert alert.json --watch
  firebreak run ./playbooks/pod.yaml --alert alert.json --input isolateNode=true --dry-run`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return library.Names(), cobra.ShellCompDirectiveDefault // or a file
		},
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			id, in, err := a.prepare(cfg, args[0], f)
			if err != nil {
				return err
			}
			return a.connected(cfg, nil, func(d desk) error { return a.run(c.Context(), d, id, in, f) })
		},
	}
	c.Flags().StringVar(&f.alert, "alert", "", "file with the alert, or - for standard input")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "change nothing, report what would be changed")
	c.Flags().BoolVar(&f.watch, "watch", false, "watch the case until it ends")
	c.Flags().StringArrayVar(&f.inputs, "input", nil, "an input as name=value; may be given several times")
	_ = c.MarkFlagRequired("alert")
	f.out.flag(c, "text", "json")
	return c
}

// prepare finds everything that is wrong before anything is started.
func (a *app) prepare(cfg config.Config, name string, f runFlags) (string, workflows.Input, error) {
	if f.watch && f.out.json() {
		return "", workflows.Input{}, usage(errors.New("--watch prints for people; leave out --output json"))
	}
	p, err := a.playbook(cfg, name)
	if err != nil {
		return "", workflows.Input{}, err
	}
	inputs, err := inputsOf(p, cfg.Inputs[p.Name], f.inputs)
	if err != nil {
		return "", workflows.Input{}, wrong(err)
	}
	alert, err := a.alert(cfg, f.alert)
	if err != nil {
		return "", workflows.Input{}, err
	}
	key, err := plan.NewEvaluator().KeyOf(p.Dedup, alert)
	if err != nil { // as the receiver does: the case is opened all the same
		fmt.Fprintf(a.stderr, "dedup key of playbook %q: %v\n", p.Name, err)
	}
	switch {
	case p.Dedup.OnDuplicate == plan.New: // a case of its own each time
		key = fmt.Sprintf("run at %d of %s", a.now().UnixNano(), key)
	case f.dryRun:
		key = fmt.Sprintf("dry run at %d of %s", a.now().UnixNano(), key)
	}
	people, err := a.authority(cfg)
	if err != nil {
		return "", workflows.Input{}, err
	}
	requester, err := a.signer(cfg, "")
	if err != nil {
		return "", workflows.Input{}, err
	}
	in := workflows.Input{Plan: p, Alert: alert, Inputs: inputs, Cluster: cfg.Cluster, DryRun: f.dryRun, By: requester.subject, Authority: people, Notify: len(cfg.Notify) > 0}
	return plan.WorkflowID(p.Name, key), in, nil
}

func (a *app) run(ctx context.Context, d desk, id string, in workflows.Input, f runFlags) error {
	started, err := d.Start(ctx, id, in)
	if err != nil {
		return err
	}
	if f.out.json() {
		return printJSON(a.stdout, started)
	}
	fmt.Fprintln(a.stdout, becameOf(started))
	if f.watch {
		return a.watch(ctx, d, cases.Case{ID: started.Case, Workflow: started.Workflow, Run: started.Run})
	}
	fmt.Fprintf(a.stdout, "watch it: firebreak watch %s\n", safe(started.Case))
	return nil
}

// becameOf says what became of an alert.
func becameOf(s cases.Started) string {
	switch {
	case s.Dropped:
		return "not counted: the playbook drops further alerts of case " + safe(s.Case) + ", which is open"
	case s.Joined:
		return "joined case " + safe(s.Case)
	case s.Reopens != "":
		return "opened case " + safe(s.Case) + ", which reopens " + safe(s.Reopens)
	}
	return "opened case " + safe(s.Case)
}

func (a *app) alert(cfg config.Config, name string) (plan.Alert, error) {
	raw, err := a.readBounded(name, falco.MaxBytes)
	if err != nil {
		return plan.Alert{}, unread(fmt.Errorf("alert: %w", err))
	}
	alert, err := falco.Decode(bytes.NewReader(raw))
	if err != nil {
		return plan.Alert{}, wrongf("%s: %w", name, err)
	}
	alert.Cluster = cfg.Cluster
	return alert, nil
}

// inputsOf joins the configured inputs with those of the command line, which win.
func inputsOf(p plan.Plan, configured map[string]any, given []string) (map[string]any, error) {
	values := maps.Clone(configured)
	if values == nil {
		values = map[string]any{}
	}
	var errs []error
	for _, one := range given {
		name, text, found := strings.Cut(one, "=")
		if !found {
			errs = append(errs, fmt.Errorf("--input %q is not of the form name=value", one))
			continue
		}
		value, err := plan.ParseInput(p, name, text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		values[name] = value
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return plan.CheckInputs(p, values)
}
