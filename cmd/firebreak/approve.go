package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/triggers/decisions"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/authority"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

type approveFlags struct {
	choice  string
	comment string
	key     string
	yes     bool
	remote  remoteFlags
}

func approveCommand(a *app) *cobra.Command {
	var f approveFlags
	c := &cobra.Command{
		Use:     "approve CASE STEP",
		Short:   "Answer what a case asks",
		GroupID: "cases",
		Long: `Answers an approval that is open. Without --choice it is the first of its choices; firebreak approvals lists what is asked,
what can be chosen and what is shown. With a key the decision is signed: the case's history then proves who made it. A case
that was opened with "people" in the configuration takes nothing else. On a terminal what is asked and shown is printed first.`,
		Example: `  firebreak approve pod-compromise-1a2b triage --choice contain --comment "seen the shell, it is not ours"
  firebreak approve pod-compromise-1a2b approve_evict --key ann.key
  firebreak approve pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f triage --receiver https://firebreak.example.com --token env:ID_TOKEN`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeQuestion(a),
		RunE:              func(c *cobra.Command, args []string) error { return a.approve(c.Context(), args[0], args[1], f, false) },
	}
	c.Flags().StringVar(&f.choice, "choice", "", "one of the choices (default the first)")
	return f.flags(c)
}

func rejectCommand(a *app) *cobra.Command {
	var f approveFlags
	c := &cobra.Command{
		Use:               "reject CASE STEP",
		Short:             "Answer no to what a case asks",
		GroupID:           "cases",
		Long:              `Answers an approval with "reject", or with the second of its two choices. One with more choices needs firebreak approve --choice.`,
		Example:           `  firebreak reject pod-compromise-1a2b approve_evict --comment "the node is needed until noon"`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeQuestion(a),
		RunE:              func(c *cobra.Command, args []string) error { return a.approve(c.Context(), args[0], args[1], f, true) },
	}
	return f.flags(c)
}

func (f *approveFlags) flags(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&f.comment, "comment", "", "why; it becomes part of the record")
	c.Flags().BoolVar(&f.yes, "yes", false, "do not show what is asked and ask again, on a terminal")
	keyFlag(c, &f.key)
	f.remote.flags(c)
	return c
}

func (a *app) approve(ctx context.Context, reference, step string, f approveFlags, no bool) error {
	if f.remote.url != "" {
		return a.approveOver(ctx, reference, step, f, no)
	}
	return a.connect(nil, func(d desk) error {
		who, err := a.signer(d.config, f.key)
		if err != nil {
			return err
		}
		found, err := d.Find(ctx, reference)
		if err != nil {
			return err
		}
		q, err := question(ctx, d, found, step)
		if err != nil {
			return err
		}
		open := openOf(found.ID, q)
		if f.choice, err = a.chosen(open, f, no, who.subject); err != nil {
			return err
		}
		decision, err := who.sign(authority.Decision{
			Case: found.ID, Step: step, Choice: f.choice, Comment: f.comment, Shown: q.Hash,
		}, a.now())
		if err != nil {
			return err
		}
		if err := d.Approve(ctx, found, decision); err != nil {
			return unsigned(err, who)
		}
		return a.approved(open, f.choice, who.subject)
	})
}

// approveOver decides over a receiver.
func (a *app) approveOver(ctx context.Context, of, step string, f approveFlags, no bool) error {
	r, err := a.remote(f.remote, f.key)
	if err != nil {
		return err
	}
	open, err := r.look(ctx, of, step)
	if err != nil {
		return err
	}
	if open.Kind != decisions.Approval {
		return wrongf("step %q asks nothing: it is held; use firebreak retry, skip, abort or rollback", step)
	}
	if f.choice, err = a.chosen(open, f, no, "whose token it is"); err != nil {
		return err
	}
	by, err := r.decide(ctx, of, step, decisions.Decision{Choice: f.choice, Comment: f.comment, Shown: open.Hash})
	if err != nil {
		return err
	}
	return a.approved(open, f.choice, by)
}

// unsigned says what to do where a case takes signed decisions alone.
func unsigned(err error, who signer) error {
	if who.key == nil && errors.Is(err, cases.ErrNotAllowed) {
		return fmt.Errorf("%w; sign with your key: --key FILE", err)
	}
	return err
}

func (a *app) approved(open decisions.Open, choice, by string) error {
	_, err := fmt.Fprintf(a.stdout, "%s: %s for step %s, by %s; watch it: firebreak watch %s\n", safe(open.Case), safe(choice), safe(open.Step),
		safe(by), safe(open.Case))
	return err
}

// chosen gives the choice. On a terminal the person sees first what they decide.
func (a *app) chosen(open decisions.Open, f approveFlags, no bool, by string) (string, error) {
	choice, err := choiceOf(open, f.choice, no)
	if err != nil || f.yes || !a.terminal {
		return choice, err
	}
	fmt.Fprintf(a.stdout, "%s\ncase %s, step %s, asked: %s\n", safe(open.Title), safe(open.Case), safe(open.Step), safe(strings.Join(open.Asked, ", ")))
	if open.Shown != nil {
		seen, err := json.MarshalIndent(open.Shown, "", "  ")
		if err != nil {
			return "", err
		}
		fmt.Fprintln(a.stdout, safeLines(string(seen)))
	}
	fmt.Fprintf(a.stdout, "decide %q as %s? [y/N] ", choice, safe(by))
	answer, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return "", wrongf("nothing was decided")
	}
	return choice, nil
}

// question finds what the case asks at that step.
func question(ctx context.Context, d desk, of cases.Case, step string) (*workflows.Question, error) {
	now, err := d.Waiting(ctx, of)
	if err != nil {
		return nil, err
	}
	var open []string
	for _, q := range now.Questions {
		if q.Step == step {
			return q, nil
		}
		open = append(open, q.Step)
	}
	if len(open) == 0 {
		return nil, wrongf("case %s asks nothing now", of.ID)
	}
	return nil, wrongf("case %s asks nothing at step %q; it asks at %s", of.ID, step, strings.Join(open, ", "))
}

func choiceOf(q decisions.Open, choice string, no bool) (string, error) {
	switch {
	case no && slices.Contains(q.Choices, "reject"):
		return "reject", nil
	case no && len(q.Choices) == 2:
		return q.Choices[1], nil
	case no:
		return "", wrongf("the choices are %s; say which: firebreak approve --choice", strings.Join(q.Choices, ", "))
	case choice == "":
		return q.Choices[0], nil
	case !slices.Contains(q.Choices, choice):
		return "", wrongf("%q is none of the choices: %s", choice, strings.Join(q.Choices, ", "))
	}
	return choice, nil
}

// completeQuestion completes the case, then the steps at which it asks.
func completeQuestion(a *app) cobra.CompletionFunc {
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
			for _, q := range now.Questions {
				steps = append(steps, q.Step+"\t"+q.Title)
			}
			return err
		})
		return steps, cobra.ShellCompDirectiveNoFileComp
	}
}
