package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Secret says where a secret is: "file:PATH" or "env:NAME". The secret itself never stands in the configuration.
type Secret struct {
	File string
	Env  string
}

// ErrSecretForm is the reason why a text is no reference to a secret. It does not repeat the text: it may be one.
var ErrSecretForm = errors.New("must say where the secret is, as file:PATH or env:NAME, and never hold the secret itself")

// ParseSecret reads a reference. A relative path is taken from the folder base.
func ParseSecret(text, base string) (Secret, error) {
	kind, rest, found := strings.Cut(text, ":")
	switch {
	case found && kind == "file" && rest != "":
		return Secret{File: within(base, rest)}, nil
	case found && kind == "env" && rest != "":
		return Secret{Env: rest}, nil
	}
	return Secret{}, ErrSecretForm
}

// Named tells whether there is a reference at all.
func (s Secret) Named() bool { return s != Secret{} }

// String gives the reference.
func (s Secret) String() string {
	switch {
	case s.File != "":
		return "file:" + s.File
	case s.Env != "":
		return "env:" + s.Env
	}
	return ""
}

// Read gives the secret without the white space around it. One that is named and empty is an error: an empty token
// would admit everybody.
func (s Secret) Read(env func(string) (string, bool)) (string, error) {
	if !s.Named() {
		return "", nil
	}
	text, err := s.raw(env)
	if err != nil {
		return "", err
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", fmt.Errorf("the secret in %s is empty", s)
	}
	return text, nil
}

func (s Secret) raw(env func(string) (string, bool)) (string, error) {
	if s.File != "" {
		raw, err := os.ReadFile(s.File)
		if err != nil {
			return "", fmt.Errorf("secret: %w", err)
		}
		return string(raw), nil
	}
	text, set := env(s.Env)
	if !set {
		return "", fmt.Errorf("secret: the environment variable %s is not set", s.Env)
	}
	return text, nil
}
