package config

import (
	"cmp"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// OIDC is who tells the receiver who somebody is (OpenID Connect). An empty Issuer: nobody does.
type OIDC struct {
	Issuer       string // as the ID tokens name it
	Audience     string // client id that the ID tokens must be made for
	SubjectClaim string // claim with the person's name
	GroupsClaim  string // claim with the person's groups
}

func (p *parser) oidc(m *syntax.Mapping) {
	if m.Node() == nil {
		return
	}
	o := &p.config.OIDC
	p.text(m, "oidc.", "issuer", &o.Issuer, issuer())
	p.text(m, "oidc.", "subjectClaim", &o.SubjectClaim, claim())
	p.text(m, "oidc.", "groupsClaim", &o.GroupsClaim, claim())
	o.SubjectClaim, o.GroupsClaim = cmp.Or(o.SubjectClaim, "sub"), cmp.Or(o.GroupsClaim, "groups")
	o.Audience = m.RequiredText("audience")
	if n := m.Required("issuer"); n != nil && n.Kind == syntax.Text && n.Text == "" {
		p.reader.Report(n, "value", `"issuer" must not be empty`)
	}
	if !p.config.Receiver.SigningKey.Named() {
		p.reader.Report(m.Node(), "value", `"oidc" needs "receiver.signingKey": with it the receiver vouches for those whom the issuer names`)
	}
	if len(p.config.Responders) == 0 {
		p.reader.Report(m.Node(), "value", `"oidc" needs "responders": everybody whom the issuer knows could abort cases and decide about held steps otherwise`)
	}
	m.Done()
}
