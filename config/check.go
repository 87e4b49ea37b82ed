package config

import (
	"os"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Check looks whether what the file names is there: secrets, certificates and playbooks.
func (c Config) Check(env Lookup) []syntax.Problem {
	var problems []syntax.Problem
	for key, secret := range map[string]Secret{"receiver.token": c.Receiver.Token, "codec.token": c.Codec.Token, "prometheus.token": c.Prometheus.Token} {
		if _, err := secret.Read(env); err != nil {
			problems = append(problems, c.problem(key, err))
		}
	}
	problems = append(problems, c.checkEncryption(env)...)
	for key, name := range map[string]string{
		"receiver.tls.certificate": c.Receiver.TLS.Certificate,
		"receiver.tls.key":         c.Receiver.TLS.Key,
		"receiver.tls.clientCA":    c.Receiver.TLS.ClientCA,
		"codec.tls.certificate":    c.Codec.TLS.Certificate,
		"codec.tls.key":            c.Codec.TLS.Key,
		"codec.tls.clientCA":       c.Codec.TLS.ClientCA,
	} {
		if err := there(name); err != nil {
			problems = append(problems, c.problem(key, err))
		}
	}
	for _, p := range c.Playbooks {
		if err := there(p.Path); err != nil {
			problems = append(problems, p.Pos.Problem("missing-file", "%s", err))
		}
	}
	for _, k := range c.Signing {
		if err := there(k.File); err != nil {
			problems = append(problems, k.Pos.Problem("missing-file", "%s", err))
		}
	}
	return syntax.Sort(problems)
}

func (c Config) problem(key string, err error) syntax.Problem {
	return c.place(key).Problem(ruleOf(err), "%s", err)
}

// place is where a value comes from: the file's line, or the environment.
func (c Config) place(key string) syntax.Position {
	if at, inFile := c.at[key]; inFile {
		return at
	}
	return syntax.Position{File: "environment", Line: 1, Column: 1}
}

func there(name string) error {
	if name == "" {
		return nil
	}
	_, err := os.Stat(name)
	return err
}
