package config

import (
	"os"
	"strconv"

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
	problems = append(problems, c.checkKeys(env)...)
	problems = append(problems, c.checkNotify(env)...)
	problems = append(problems, c.checkSeal(env)...)
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

// checkKeys looks whether the keys of the people and of the receiver are keys.
func (c Config) checkKeys(env Lookup) []syntax.Problem {
	var problems []syntax.Problem
	for _, p := range c.People {
		if _, err := ReadPublic(p.Key); err != nil {
			problems = append(problems, p.Key.Pos.Problem(ruleOf(err), "key of %q: %s", p.Subject, err))
		}
	}
	if c.Receiver.PublicKey != (SigningKey{}) {
		if _, err := ReadPublic(c.Receiver.PublicKey); err != nil {
			problems = append(problems, c.Receiver.PublicKey.Pos.Problem(ruleOf(err), "public key of the receiver: %s", err))
		}
	}
	if c.Receiver.SigningKey.Named() {
		if _, err := c.Receiver.Private(env); err != nil && !c.spared(err) {
			problems = append(problems, c.problem("receiver.signingKey", err))
		}
	}
	return problems
}

// spared tells whether the receiver's private key may be missing on this machine.
func (c Config) spared(err error) bool {
	return ruleOf(err) == "missing-file" && c.Receiver.PublicKey != (SigningKey{})
}

// checkNotify looks whether the addresses for messages are addresses; they are secrets and are not repeated.
func (c Config) checkNotify(env Lookup) []syntax.Problem {
	var problems []syntax.Problem
	for i, t := range c.Notify {
		if _, err := t.Address(env); err != nil {
			problems = append(problems, c.problem("notify."+strconv.Itoa(i)+".url", err))
		}
	}
	return problems
}
