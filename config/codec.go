package config

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Codec is the server that decrypts for Temporal's Web UI.
type Codec struct {
	Listen string
	Origin string // of the Web UI, such as https://temporal.example.com; empty: that of WebUI
	Token  Secret
	TLS    TLS
}

// UIOrigin is the one origin whose pages may ask the codec server, as browsers write it; empty where no Web UI is configured.
func (c Config) UIOrigin() string {
	u, err := url.Parse(cmp.Or(c.Codec.Origin, c.WebUI))
	if err != nil || u.Host == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	if implied := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; implied != "" {
		host = strings.TrimSuffix(host, implied)
	}
	return u.Scheme + "://" + host
}

func (p *parser) codec(m *syntax.Mapping) {
	c := &p.config.Codec
	p.text(m, "codec.", "listen", &c.Listen, listening())
	p.text(m, "codec.", "origin", &c.Origin, origin())
	p.secret(m, "codec.", "token", &c.Token)
	p.tls(m.Map("tls"), "codec.tls.", &c.TLS)
	m.Done()
}

// origin is what a page's address begins with, up to the path.
func origin() form {
	return form{be: "an origin such as https://temporal.example.com, without a path", fits: func(text string) bool {
		u, err := url.Parse(text)
		return err == nil && isWebPage(text) && text == u.Scheme+"://"+u.Host
	}}
}
