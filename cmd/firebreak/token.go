package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/triggers/decisions"
)

func tokenCommand(a *app) *cobra.Command {
	var key string
	var life time.Duration
	c := &cobra.Command{
		Use:     "token",
		Short:   "Make a short-lived token with which you decide over a receiver",
		GroupID: "cases",
		Long: `Prints a token (JWT) that is signed with your own key. A receiver whose configuration names you under "people" takes it as
a bearer token: whoever has it decides as you until it expires.`,
		Example: `  firebreak token --key ann.key --ttl 10m
  curl -H "Authorization: Bearer $(firebreak token)" https://firebreak.example.com/cases/pod-compromise-1a2b.9c0d1e2f/steps/triage`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			who, err := a.signer(cfg, key)
			if err != nil {
				return err
			}
			token, err := who.token(a.now(), life)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, token)
			return err
		},
	}
	keyFlag(c, &key)
	c.Flags().DurationVar(&life, "ttl", 10*time.Minute, "how long it holds, at most 1h")
	return c
}

// token makes a bearer token of a person who has a key.
func (s signer) token(now time.Time, life time.Duration) (string, error) {
	if s.key == nil {
		return "", wrongf("there is no key: name yours with --key; firebreak keygen makes one")
	}
	token, err := decisions.Token(s.subject, s.key, now, life)
	if err != nil {
		return "", usage(err)
	}
	return token, nil
}

func keyFlag(c *cobra.Command, key *string) {
	c.Flags().StringVar(key, "key", "", "file with your private key (default ~/.config/firebreak/me.key, where it is there)")
}
