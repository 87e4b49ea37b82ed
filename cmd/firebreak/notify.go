package main

import (
	"log/slog"

	"github.com/firebreak-ir/firebreak/activities/notify"
	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/triggers/decisions"
)

// targets are where a worker tells people. Links by which they decide are made where the receiver's private key is at hand
// and people reach the receiver.
func (a *app) targets(cfg config.Config, log *slog.Logger) (notify.Targets, error) {
	out := notify.Targets{Log: log}
	people := map[string]notify.Person{}
	for _, p := range cfg.People {
		people[p.Subject] = notify.Person{Subject: p.Subject, Groups: p.Groups}
		out.People = append(out.People, people[p.Subject])
	}
	for _, t := range cfg.Notify {
		target := notify.Target{Kind: t.Kind, Address: func() (string, error) { return t.Address(a.env) }, Circles: t.Circles, Links: t.Links}
		if p, known := people[t.Person]; known {
			target.Person = &p
		}
		out.List = append(out.List, target)
	}
	if cfg.Receiver.URL == "" || len(out.List) == 0 {
		return out, nil
	}
	out.Page = func(of, step string) string { return cfg.Receiver.URL + decisions.PathOf(of, step) }
	return out, a.links(cfg, &out)
}

// links lets messages carry links by which one person decides, where this machine has the receiver's private key.
func (a *app) links(cfg config.Config, out *notify.Targets) error {
	key, err := cfg.Receiver.Private(a.env)
	switch {
	case err != nil && cfg.Receiver.PublicKey != (config.SigningKey{}): // the private key need not be here
		out.Log.Info("messages carry no links by which people decide", "reason", err)
		return nil
	case err != nil:
		return wrong(err)
	case key == nil:
		return nil
	}
	out.Link = func(of, step string, p notify.Person) (string, error) {
		token, err := decisions.Link(p.Subject, of, step, key, a.now())
		return out.Page(of, step) + "?token=" + token, err
	}
	return nil
}
