package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/playbooks/signing"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func verifyPlaybookCommand(a *app) *cobra.Command {
	var files []string
	c := &cobra.Command{
		Use:     "verify-playbook FILE…",
		Short:   "Check the signatures of playbooks",
		GroupID: "playbooks",
		Long: `Says of each playbook with which key it is signed, as ` + "`serve`, `run` and `schedules`" + ` check it before they take it. The keys are
those of firebreak.yaml, or those that --key names. A folder means every playbook in it.`,
		Example: `  firebreak verify-playbook playbooks/
  firebreak verify-playbook playbooks/pod.yaml --key sec-ir.pub`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.verifyPlaybooks(args, files) },
	}
	c.Flags().StringArrayVar(&files, "key", nil, "file with a public key; may be given several times (default signing.keys)")
	return c
}

func (a *app) verifyPlaybooks(args, keyFiles []string) error {
	keys, err := a.trustedKeys(keyFiles)
	if err != nil {
		return err
	}
	refused := false
	for _, arg := range args {
		sources, err := files(arg)
		if err != nil {
			return unread(err)
		}
		for _, s := range sources {
			line, good := a.signedBy(s, keys)
			refused = refused || !good
			fmt.Fprintln(a.stdout, safe(line))
		}
	}
	if refused {
		return said(exitWrong)
	}
	return nil
}

// trustedKeys reads the keys that are named, or those of the configuration.
func (a *app) trustedKeys(keyFiles []string) ([]signing.Key, error) {
	cfg := config.Config{}
	for _, name := range keyFiles {
		cfg.Signing = append(cfg.Signing, config.SigningKey{File: name, Pos: syntax.Position{File: name, Line: 1, Column: 1}})
	}
	if len(keyFiles) == 0 {
		configured, err := a.settings()
		if err != nil {
			return nil, err
		}
		cfg = configured
	}
	keys, problems, err := signingKeys(cfg)
	if err != nil {
		return nil, err
	}
	for _, p := range problems {
		fmt.Fprintln(a.stderr, safe(p.Error()))
	}
	switch {
	case len(problems) > 0:
		return nil, said(exitWrong)
	case len(keys) == 0:
		return nil, wrongf("no key is configured: name one with --key, or in firebreak.yaml under signing.keys")
	}
	return keys, nil
}

// signedBy says in one line how a playbook is signed.
func (a *app) signedBy(s source, keys []signing.Key) (line string, good bool) {
	p, content, problems := a.compileAll(s)
	if len(problems) > 0 {
		return problems[0].Error(), false
	}
	id, err := verified(s, p, content, keys)
	if err != nil {
		return s.name + ": " + err.Error(), false
	}
	return fmt.Sprintf("%s: signed with key %s", s.name, id), true
}
