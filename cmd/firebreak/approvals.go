package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

func approvalsCommand(a *app) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:     "approvals [CASE]",
		Short:   "List what the open cases ask people",
		GroupID: "cases",
		Long: `Lists every approval that is open, or those of one case: what is asked of whom, until when, what can be chosen, and the beginning of
the hash of what is shown. With --output json also what is shown, whole, and who has decided already. A case that does not answer
is named, and hides none of the others.`,
		Example: `  firebreak approvals
  firebreak approvals pod-compromise-1a2b --output json`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeCase(a, true),
		RunE: func(c *cobra.Command, args []string) error {
			return a.connect(nil, func(d desk) error {
				list, unread := questions(c.Context(), d, args)
				if len(list) == 0 && unread != nil {
					return unread
				}
				if out.json() {
					return errors.Join(printJSON(a.stdout, list), unread)
				}
				return errors.Join(a.printQuestions(list), unread)
			})
		},
	}
	out.flag(c, "text", "json")
	return c
}

// questions are those of one case, or of all open ones; the error may stand beside what other cases ask.
func questions(ctx context.Context, d desk, args []string) ([]cases.Question, error) {
	if len(args) == 0 {
		return d.Questions(ctx, cases.Filter{Limit: 1000})
	}
	found, err := d.Find(ctx, args[0])
	if err != nil {
		return nil, err
	}
	now, err := d.Waiting(ctx, found)
	list := []cases.Question{}
	for _, q := range now.Questions {
		list = append(list, cases.Question{Question: q, Case: found.ID})
	}
	if err != nil {
		return nil, err
	}
	return list, nil
}

func (a *app) printQuestions(list []cases.Question) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(a.stdout, "nothing is asked")
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "CASE\tSTEP\tASKS\tOF\tCHOICES\tUNTIL\tVOTES\tSHOWN")
	for _, q := range list {
		until := "-"
		if !q.Deadline.IsZero() {
			until = q.Deadline.Local().Format(time.DateTime)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%.12s\n", safe(q.Case), safe(q.Step), safe(q.Title), safe(strings.Join(q.Circles, ", ")),
			safe(strings.Join(q.Choices, ", ")), until, len(q.Votes), q.Hash)
	}
	return w.Flush()
}

func signalCommand(a *app) *cobra.Command {
	var data, key string
	c := &cobra.Command{
		Use:     "signal CASE NAME",
		Short:   "Tell a case something that its playbook waits for",
		GroupID: "cases",
		Long: `Sends a named signal, with data if there is any. A step with wait: {until: …} looks at the signals that have come, such as
signals.exists(s, s.name == 'vendor' && s.data.ok). A case that was opened with "people" in the configuration counts signed signals
alone.`,
		Example:           `  firebreak signal pod-compromise-1a2b vendor --data '{"ok": true}'`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeCase(a, true),
		RunE: func(c *cobra.Command, args []string) error {
			payload := map[string]any{}
			if data != "" {
				if err := json.Unmarshal([]byte(data), &payload); err != nil {
					return wrongf("--data is no JSON object: %v", err)
				}
			}
			return a.connect(nil, func(d desk) error {
				found, err := d.Find(c.Context(), args[0])
				if err != nil {
					return err
				}
				note, err := a.note(d, found, args[1], payload, key)
				if err != nil {
					return err
				}
				return d.Tell(c.Context(), found, note)
			})
		},
	}
	keyFlag(c, &key)
	c.Flags().StringVar(&data, "data", "", "a JSON object")
	return c
}

// note is a signal by whoever runs the command, signed where there is a key.
func (a *app) note(d desk, of cases.Case, name string, data map[string]any, keyFile string) (workflows.Note, error) {
	who, err := a.signer(d.config, keyFile)
	if err != nil {
		return workflows.Note{}, err
	}
	n := workflows.Note{Signal: plan.Signal{Name: name, By: who.subject, Time: a.now().UTC(), Data: data}}
	if who.key == nil {
		return n, nil
	}
	signed, err := who.sign(n.Claim(of.ID), a.now())
	n.Signed = &signed
	return n, err
}
