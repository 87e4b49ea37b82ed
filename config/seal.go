package config

import (
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Sealing is what seals of evidence carry beside their manifests.
type Sealing struct {
	Organization string // whose evidence it is; empty: not said
	SigningKey   Secret // the private key that signs; empty: nobody does
	Timestamp    Timestamp
}

// Timestamp is the time-stamping authority (RFC 3161); without a URL there is none.
type Timestamp struct {
	URL      string
	CA       string // file with its root certificates in PEM
	Required bool   // whether a seal fails where it does not answer
}

// Private gives the key that signs the evidence; nil where none is named.
func (s Sealing) Private(env Lookup) (ed25519.PrivateKey, error) {
	text, err := s.SigningKey.Read(env)
	if err != nil || text == "" {
		return nil, err
	}
	key, err := ParsePrivate([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("the key in %s: %w", s.SigningKey, err)
	}
	return key, nil
}

// Roots gives the TSA's root certificates; nil where there is no TSA.
func (t Timestamp) Roots() (*x509.CertPool, error) {
	if t.URL == "" {
		return nil, nil
	}
	return ReadRoots(t.CA)
}

// ReadRoots reads root certificates in PEM.
func ReadRoots(name string) (*x509.CertPool, error) {
	raw, err := readBounded(name)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("%q holds no certificate in PEM", name)
	}
	return roots, nil
}

func (p *parser) seal(m *syntax.Mapping) {
	s := &p.config.Seal
	p.text(m, "seal.", "organization", &s.Organization, oneLine())
	p.secret(m, "seal.", "signingKey", &s.SigningKey)
	t := m.Map("timestamp")
	p.text(t, "seal.timestamp.", "url", &s.Timestamp.URL, webPage())
	p.path(t, "seal.timestamp.", "ca", &s.Timestamp.CA)
	if n := t.Optional("required"); n != nil {
		s.Timestamp.Required = t.Bool("required")
	}
	if n := t.Node(); n != nil && n.Kind == syntax.Map && (s.Timestamp.URL == "" || s.Timestamp.CA == "") {
		p.reader.Report(n, "missing-key", `"timestamp" needs both "url" and "ca", the file with the root certificate that its answers are checked against`)
	}
	t.Done()
	m.Done()
}

// oneLine is a text without line breaks.
func oneLine() form {
	return form{be: "one line of text", fits: func(text string) bool { return !strings.ContainsAny(text, "\r\n") && len(text) <= 200 }}
}

// checkSeal reads the key and the certificates as a worker does.
func (c Config) checkSeal(env Lookup) []syntax.Problem {
	var problems []syntax.Problem
	if _, err := c.Seal.Private(env); err != nil {
		problems = append(problems, c.problem("seal.signingKey", err))
	}
	if _, err := c.Seal.Timestamp.Roots(); err != nil {
		rule := "certificate"
		if errors.Is(err, fs.ErrNotExist) {
			rule = "missing-file"
		}
		problems = append(problems, c.place("seal.timestamp.ca").Problem(rule, "%s", err))
	}
	return problems
}
