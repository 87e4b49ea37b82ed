package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/playbooks/cacao"
	"github.com/firebreak-ir/firebreak/playbooks/library"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

type exportFlags struct {
	created  string
	modified string
	out      output
}

func exportCommand(a *app) *cobra.Command {
	var f exportFlags
	c := &cobra.Command{
		Use:     "export PLAYBOOK|CASE",
		Short:   "Write a playbook, or a case with what it did, as a CACAO 2.0 playbook",
		GroupID: "playbooks",
		Long: `Writes a CACAO Security Playbook 2.0 as JSON. PLAYBOOK is a file, the name of a loaded playbook or of one in the library;
anything else is a CASE, whose playbook is written with what became of each step and who decided what.

What CACAO has no word for stands in extensions, and firebreak import reads it back. Ids follow from the playbook: the
same playbook has the same ids each time.`,
		Example: `  firebreak export pod-compromise > pod-compromise.cacao.json
  firebreak export ./playbooks/pod.yaml --created 2026-01-31T09:00:00Z
  firebreak export pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f > case.cacao.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.export(c.Context(), args[0], f) },
	}
	c.Flags().StringVar(&f.created, "created", "", "when the playbook was first published (default as --modified)")
	c.Flags().StringVar(&f.modified, "modified", "", "when this version was made (default now)")
	f.out.form = "cacao"
	c.Flags().Var(formatFlag{&f.out}, "format", "cacao")
	return c
}

// formatFlag is --format, which has one form so far.
type formatFlag struct{ *output }

// Set takes the one form.
func (f formatFlag) Set(text string) error {
	f.forms = []string{"cacao"}
	return f.output.Set(text)
}

func (a *app) export(ctx context.Context, name string, f exportFlags) error {
	o, err := a.dates(f)
	if err != nil {
		return usage(err)
	}
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	if !a.namesPlaybook(cfg, name) {
		return a.connected(cfg, nil, func(d desk) error { return a.exportCase(ctx, d, name, o) })
	}
	p, err := a.playbook(cfg, name)
	if err != nil {
		return err
	}
	return printJSON(a.stdout, cacao.Export(p, o))
}

// dates reads the times of a playbook's versions.
func (a *app) dates(f exportFlags) (cacao.Options, error) {
	o := cacao.Options{Modified: a.now(), Summary: a.summaryOf}
	var errs []error
	for _, given := range []struct {
		flag, text string
		to         *time.Time
	}{{"modified", f.modified, &o.Modified}, {"created", f.created, &o.Created}} {
		if given.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, given.text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s %q is no time such as 2026-01-31T09:00:00Z", given.flag, given.text))
		}
		*given.to = at
	}
	if o.Created.IsZero() {
		o.Created = o.Modified
	}
	if o.Created.After(o.Modified) {
		errs = append(errs, errors.New("--created is after --modified"))
	}
	return o, errors.Join(errs...)
}

// summaryOf says what an activity does.
func (a *app) summaryOf(activity string) string {
	d, _ := a.catalog().Find(activity)
	return d.Summary
}

// namesPlaybook tells a playbook from a case: a file that is there, or a name that is known.
func (a *app) namesPlaybook(cfg config.Config, name string) bool {
	if _, err := os.Stat(name); err == nil || strings.Contains(name, "/") {
		return true
	}
	if _, known := library.Find(name); known {
		return true
	}
	plans, problems, err := a.playbooks(cfg)
	if err != nil || len(problems) > 0 {
		return false // the command that needs them says what is wrong
	}
	for _, p := range plans {
		if p.Name == name {
			return true
		}
	}
	return false
}

func (a *app) exportCase(ctx context.Context, d desk, reference string, o cacao.Options) error {
	found, err := d.Find(ctx, reference)
	if err != nil {
		return err
	}
	state, err := d.State(ctx, found)
	if err != nil {
		return err
	}
	var p plan.Plan
	if p, err = d.Plan(ctx, found); err != nil {
		return err
	}
	return printJSON(a.stdout, cacao.ExportRun(p, cacao.Run{Record: state.Record, Status: string(state.Status), Outputs: state.Outputs}, o))
}
