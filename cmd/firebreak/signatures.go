package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/signing"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// maxKey is the longest file of a key.
const maxKey = 16 << 10

// signingKeys reads the keys whose signatures count. Problems are what is wrong with the configuration.
func signingKeys(cfg config.Config) ([]signing.Key, []syntax.Problem, error) {
	var keys []signing.Key
	var problems []syntax.Problem
	for _, k := range cfg.Signing {
		text := []byte(k.PEM)
		if k.File != "" {
			raw, err := readFile(k.File, maxKey)
			if errors.Is(err, os.ErrNotExist) {
				problems = append(problems, k.Pos.Problem("missing-file", "%s", err))
				continue
			}
			if err != nil {
				return nil, nil, fmt.Errorf("signing key: %w", err)
			}
			text = raw
		}
		key, err := signing.ParsePublic(text)
		if err != nil {
			problems = append(problems, k.Pos.Problem("signing-key", "%s", err))
			continue
		}
		keys = append(keys, key)
	}
	return keys, problems, nil
}

// trusted compiles a playbook that is to be run: where keys are configured it must be signed with one of them.
func (a *app) trusted(s source, keys []signing.Key) (plan.Plan, []syntax.Problem) {
	p, content, problems := a.compileAll(s)
	if len(keys) == 0 || len(problems) > 0 {
		return p, problems
	}
	if _, err := verified(s, p, content, keys); err != nil {
		at := syntax.Position{File: s.name, Line: 1, Column: 1}
		return plan.Plan{}, []syntax.Problem{at.Problem("signature", "the playbook is refused: %s", err)}
	}
	return p, nil
}

// shippedKey stands for a key where none is needed.
const shippedKey = "shipped"

// verified gives the id of the key that has signed a playbook. What is shipped is a part of this program, and needs no
// signature.
func verified(s source, p plan.Plan, content signing.Content, keys []signing.Key) (string, error) {
	if shipped(s) {
		return shippedKey, nil
	}
	signatures, err := readFile(s.name+signing.Extension, signing.MaxBytes)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("it is not signed: there is no %s; sign it with firebreak sign", s.name+signing.Extension)
	case err != nil:
		return "", fmt.Errorf("its signatures cannot be read: %w", err)
	case len(p.Playbooks) > 0 && content.Lock == nil:
		return "", errUnlocked()
	}
	return signing.Verify(content, signatures, keys)
}

// errUnlocked is for a playbook that calls others: a signature covers their files through the lock file alone.
func errUnlocked() error {
	return fmt.Errorf("it calls other playbooks, and no %s beside it says which files; run firebreak lock, then firebreak sign", lockName)
}
