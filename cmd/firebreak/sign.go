package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/signing"
)

func signCommand(a *app) *cobra.Command {
	var key string
	c := &cobra.Command{
		Use:     "sign FILE… --key KEY",
		Short:   "Sign playbooks",
		GroupID: "playbooks",
		Long: `Writes FILE` + signing.Extension + ` beside each playbook: a signature over the playbook, its lock file and the files that it names. A
signature by another key stays; one by the same key is replaced. Only a playbook that compiles is signed, and one that calls
others only with a lock file. A folder means every playbook in it.

KEY is an ed25519 key in PEM (PKCS #8), as ` + "`firebreak keygen`" + ` and ` + "`openssl genpkey -algorithm ed25519`" + ` write it.`,
		Example: `  firebreak sign playbooks/pod.yaml --key sec-ir.key`,
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.sign(args, key) },
	}
	c.Flags().StringVar(&key, "key", "", "file with the private key")
	_ = c.MarkFlagRequired("key")
	return c
}

func (a *app) sign(args []string, keyFile string) error {
	text, err := readFile(keyFile, maxKey)
	if err != nil {
		return unread(fmt.Errorf("key: %w", err))
	}
	key, err := signing.ParsePrivate(text)
	if err != nil {
		return wrongf("key %q: %w", keyFile, err)
	}
	for _, arg := range args {
		sources, err := files(arg)
		if err != nil {
			return unread(err)
		}
		for _, s := range sources {
			if err := a.signOne(s, key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *app) signOne(s source, key signing.Private) error {
	p, content, problems := a.compileAll(s)
	for _, problem := range problems {
		fmt.Fprintln(a.stderr, safe(problem.Error()))
	}
	switch {
	case len(problems) > 0:
		return said(exitWrong)
	case len(p.Playbooks) > 0 && content.Lock == nil:
		return wrongf("%s: %w", s.name, errUnlocked())
	}
	name := s.name + signing.Extension
	there, err := readFile(name, signing.MaxBytes)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	text, err := signing.Sign(content, key, there)
	if err != nil {
		return wrongf("%s: %w; remove it to sign anew", name, err)
	}
	if err := replaceFile(name, text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s  signed with key %s\n", safe(s.name), key.Public().ID())
	return err
}

// replaceFile writes a file whole or not at all.
func replaceFile(name string, text []byte) error {
	scratch := name + ".tmp"
	if err := os.WriteFile(scratch, text, 0o644); err != nil {
		return err
	}
	return os.Rename(scratch, name)
}
