package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/triggers/decisions"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/authority"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

func retryCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "retry CASE STEP",
		Short: "Run a held step again",
		Example: `  firebreak retry pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f disks
  firebreak retry pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f disks --set region='"eu-central-1"' --reason "wrong region"`,
		Args: cobra.ExactArgs(2),
	}
	return decision(a, c, workflows.RetryStep, "why, for the record")
}

func skipCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "skip CASE STEP --reason WHY",
		Short:   "Go on without a held step",
		Example: `  firebreak skip pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f disks --reason "taken by hand, ticket 4711"`,
		Args:    cobra.ExactArgs(2),
	}
	decision(a, c, workflows.SkipStep, "why; it becomes part of the record")
	_ = c.MarkFlagRequired("reason")
	return c
}

func rollbackCommand(a *app) *cobra.Command {
	var f decideFlags
	c := &cobra.Command{
		Use:     "rollback CASE --reason WHY",
		Short:   "End a case early and take back what it changed",
		GroupID: "cases",
		Long: `Ends a case, held or not, and undoes its changes, the last one first, before its finally runs: a false alarm. What was
contained is free again. Evidence is never deleted. To end a case and keep everything contained, use firebreak abort.`,
		Example:           `  firebreak rollback pod-compromise-1a2b --reason "a false alarm, see ticket 4711"`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeCase(a, true),
		RunE: func(c *cobra.Command, args []string) error {
			return a.decided(c.Context(), args[0], workflows.Decision{Action: workflows.RollbackCase}, f)
		},
	}
	f.flags(c, "why; it becomes part of the record")
	_ = c.MarkFlagRequired("reason")
	return c
}

// decideFlags are those of every decision.
type decideFlags struct {
	reason string
	key    string
	set    []string
	remote remoteFlags
}

func (f *decideFlags) flags(c *cobra.Command, why string) {
	c.Flags().StringVar(&f.reason, "reason", "", why)
	keyFlag(c, &f.key)
	f.remote.flags(c)
}

// decision makes a command that decides a held step.
func decision(a *app, c *cobra.Command, action workflows.Action, why string) *cobra.Command {
	var f decideFlags
	c.GroupID = "cases"
	f.flags(c, why)
	if action == workflows.RetryStep {
		c.Flags().StringArrayVar(&f.set, "set", nil, "replace a field of the step's input, as name=JSON; may be given several times")
	}
	c.ValidArgsFunction = completeHeld(a)
	c.RunE = func(c *cobra.Command, args []string) error {
		return a.decided(c.Context(), args[0], workflows.Decision{Path: args[1], Action: action}, f)
	}
	return c
}

func (a *app) decided(ctx context.Context, reference string, what workflows.Decision, f decideFlags) error {
	var err error
	if what.Set, err = setFields(f.set); err != nil {
		return err
	}
	what.Reason = f.reason
	if f.remote.url != "" {
		return a.decideOver(ctx, reference, what, f)
	}
	return a.connect(nil, func(d desk) error {
		found, err := d.Find(ctx, reference)
		if err != nil {
			return err
		}
		if what, err = a.signed(d, found, what, f.key); err != nil {
			return err
		}
		return a.decide(ctx, d, found, what)
	})
}

// signed names who decides, and proves it where there is a key.
func (a *app) signed(d desk, of cases.Case, what workflows.Decision, keyFile string) (workflows.Decision, error) {
	who, err := a.signer(d.config, keyFile)
	if err != nil {
		return what, err
	}
	what.By = who.subject
	if who.key == nil {
		return what, nil
	}
	s, err := who.sign(authority.Decision{
		Case: of.ID, Step: what.Path, Choice: string(what.Action), Comment: what.Reason, Set: workflows.SetHash(what.Set),
	}, a.now())
	what.Signed = &s
	return what, err
}

// setFields reads name=JSON; a value that is no JSON is text.
func setFields(given []string) (map[string]any, error) {
	if len(given) == 0 {
		return nil, nil
	}
	out := map[string]any{}
	for _, text := range given {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, usage(fmt.Errorf("--set wants name=value, not %q", text))
		}
		decoded, err := plan.Decode([]byte(value))
		if err != nil {
			decoded = value
		}
		out[name] = decoded
	}
	return out, nil
}

// decideOver decides over a receiver.
func (a *app) decideOver(ctx context.Context, of string, what workflows.Decision, f decideFlags) error {
	r, err := a.remote(f.remote, f.key)
	if err != nil {
		return err
	}
	by, err := r.decide(ctx, of, what.Path, decisions.Decision{Choice: string(what.Action), Comment: what.Reason, Set: what.Set})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s, by %s; watch it: firebreak watch %s\n", safe(of), what.Action, safe(by), safe(of))
	return err
}

func (a *app) decide(ctx context.Context, d desk, of cases.Case, decision workflows.Decision) error {
	if err := d.Decide(ctx, of, decision); err != nil {
		return unsignedDecision(err, decision)
	}
	about := "the case"
	if decision.Path != "" {
		about = "step " + decision.Path
	}
	_, err := fmt.Fprintf(a.stdout, "%s: %s %s; watch it: firebreak watch %s\n", safe(of.ID), decision.Action, safe(about), safe(of.ID))
	return err
}

func unsignedDecision(err error, d workflows.Decision) error {
	if d.Signed == nil {
		return unsigned(err, signer{})
	}
	return err
}

// completeHeld completes the case, then the steps of it that wait for a decision.
func completeHeld(a *app) cobra.CompletionFunc {
	first := completeCase(a, true)
	return func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) != 1 {
			return first(c, args, typed)
		}
		var steps []string
		_ = a.connect(nil, func(d desk) error { // a completion that fails completes nothing
			found, err := d.Find(c.Context(), args[0])
			if err != nil {
				return err
			}
			now, err := d.Waiting(c.Context(), found)
			for _, h := range now.Holds {
				steps = append(steps, h.Path+"\t"+h.Kind)
			}
			return err
		})
		return steps, cobra.ShellCompDirectiveNoFileComp
	}
}
