package config

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Parse reads a configuration file. Every problem comes back at once, sorted by place.
func Parse(file string, raw []byte) (Config, []syntax.Problem) {
	p := &parser{base: filepath.Dir(file), config: Defaults()}
	p.config.File = file
	tree, problems := syntax.Parse(file, raw)
	p.reader.Add(problems...)
	if tree != nil {
		p.file(p.reader.Map(tree, "the configuration"))
	}
	return p.config, p.reader.Problems()
}

type parser struct {
	base   string
	reader syntax.Reader
	config Config
}

func (p *parser) file(m *syntax.Mapping) {
	c := &p.config
	p.text(m, "", "cluster", &c.Cluster, word())
	p.path(m, "", "evidence", &c.Evidence)
	p.path(m, "", "tracker", &c.Tracker)
	p.text(m, "", "webUI", &c.WebUI, webPage())
	c.WebUI = strings.TrimSuffix(c.WebUI, "/")
	p.receiver(m.Map("receiver"))
	p.playbooks(m)
	p.signing(m.Map("signing"))
	p.people(m.List("people"))
	p.responders(m)
	p.oidc(m.Map("oidc"))
	p.vouched()
	p.notify(m.List("notify"))
	p.encryption(m.Map("encryption"))
	p.codec(m.Map("codec"))
	p.deployment(m.Map("deployment"))
	p.prometheus(m.Map("prometheus"))
	p.seal(m.Map("seal"))
	p.inputs(m.Map("inputs"))
	p.tools(m.Map("tools"))
	m.Done()
}

func (p *parser) receiver(m *syntax.Mapping) {
	c := &p.config.Receiver
	p.text(m, "receiver.", "listen", &c.Listen, listening())
	p.secret(m, "receiver.", "token", &c.Token)
	p.tls(m.Map("tls"), "receiver.tls.", &c.TLS)
	p.text(m, "receiver.", "url", &c.URL, webPage())
	c.URL = strings.TrimSuffix(c.URL, "/")
	p.secret(m, "receiver.", "signingKey", &c.SigningKey)
	if n := m.Optional("publicKey"); n != nil {
		c.PublicKey = p.publicKey(n, `"publicKey"`)
	}
	m.Done()
}

func (p *parser) tls(m *syntax.Mapping, prefix string, into *TLS) {
	p.path(m, prefix, "certificate", &into.Certificate)
	p.path(m, prefix, "key", &into.Key)
	p.path(m, prefix, "clientCA", &into.ClientCA)
	if n := m.Node(); n != nil && n.Kind == syntax.Map && (into.Certificate == "" || into.Key == "") {
		p.reader.Report(n, "missing-key", `"tls" needs both "certificate" and "key"`)
	}
	m.Done()
}

func (p *parser) secret(m *syntax.Mapping, prefix, key string, into *Secret) {
	n := m.Optional(key)
	if n == nil {
		return
	}
	p.config.at[prefix+key] = n.Position
	if n.Kind != syntax.Text { // the value is not repeated: it may be the secret
		p.reader.Report(n, "secret", "%q %s", key, ErrSecretForm)
		return
	}
	secret, err := ParseSecret(n.Text, p.base)
	if err != nil {
		p.reader.Report(n, "secret", "%q %s", key, err)
		return
	}
	*into = secret
}

func (p *parser) playbooks(m *syntax.Mapping) {
	n := m.Optional("playbooks")
	if n == nil {
		return
	}
	if n.Kind == syntax.List && len(n.Items) == 0 {
		p.reader.Report(n, "value", `"playbooks" must name at least one: no alert could start anything; leave the key out to load library/pod-compromise`)
	}
	p.config.Playbooks = nil
	for _, item := range m.List("playbooks") {
		if text := p.reader.Text(item, `an item of "playbooks"`); item.Kind == syntax.Text {
			p.playbook(item, text)
		}
	}
}

func (p *parser) playbook(n *syntax.Node, text string) {
	name, ofLibrary := strings.CutPrefix(text, "library/")
	switch {
	case strings.TrimSpace(text) == "":
		p.reader.Report(n, "value", `an item of "playbooks" must not be empty`)
	case ofLibrary && name == "":
		p.reader.Report(n, "value", "library/ needs the name of a playbook, such as library/pod-compromise")
	case ofLibrary:
		p.config.Playbooks = append(p.config.Playbooks, Playbook{Name: name, Pos: n.Position})
	default:
		p.config.Playbooks = append(p.config.Playbooks, Playbook{Path: within(p.base, text), Pos: n.Position})
	}
}

func (p *parser) inputs(m *syntax.Mapping) {
	if m.Node() == nil {
		return
	}
	for _, e := range m.Node().Entries {
		m.Known(e.Key.Text)
		values := map[string]any{}
		for _, v := range p.reader.Map(e.Value, strconv.Quote(e.Key.Text)).Node().Entries {
			values[v.Key.Text] = plain(v.Value)
			p.config.at["inputs."+e.Key.Text+"."+v.Key.Text] = v.Key.Position
		}
		p.config.Inputs[e.Key.Text] = values
		p.config.at["inputs."+e.Key.Text] = e.Key.Position
	}
}

func (p *parser) tools(m *syntax.Mapping) {
	p.text(m, "tools.", "probeImage", &p.config.ProbeImage, image())
	if n := m.Optional("dockerExplorer"); n != nil {
		p.config.DockerExplorer = m.Texts("dockerExplorer")
		if n.Kind == syntax.List && len(n.Items) == 0 {
			p.reader.Report(n, "value", `"dockerExplorer" must name a program, one word an item`)
		}
	}
	m.Done()
}

// text reads a text of one form. An empty one is taken: the environment may stand in for it, and Load looks again.
func (p *parser) text(m *syntax.Mapping, prefix, key string, into *string, f form) {
	n := m.Optional(key)
	if n == nil {
		return
	}
	p.config.at[prefix+key] = n.Position
	text := m.Text(key)
	if n.Kind != syntax.Text {
		return
	}
	*into = text
	if text != "" && !f.fits(text) {
		p.reader.Report(n, "value", "%q must be %s, not %q", key, f.be, text)
	}
}

func (p *parser) path(m *syntax.Mapping, prefix, key string, into *string) {
	if n := m.Optional(key); n != nil {
		p.config.at[prefix+key] = n.Position
		if text := m.RequiredText(key); text != "" {
			*into = within(p.base, text)
		}
	}
}

// within takes a relative path from the folder of the configuration file.
func within(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}

// plain gives a node's value as a playbook's input; whether it fits is the playbook's to say.
func plain(n *syntax.Node) any {
	switch n.Kind {
	case syntax.Bool:
		return strings.EqualFold(n.Text, "true")
	case syntax.Int:
		if i, err := strconv.ParseInt(n.Text, 0, 64); err == nil {
			return i
		}
		return n.Text
	case syntax.Float:
		if f, err := strconv.ParseFloat(n.Text, 64); err == nil {
			return f
		}
		return n.Text
	case syntax.Text:
		return n.Text
	case syntax.List:
		out := make([]any, len(n.Items))
		for i, item := range n.Items {
			out[i] = plain(item)
		}
		return out
	case syntax.Map:
		out := make(map[string]any, len(n.Entries))
		for _, e := range n.Entries {
			out[e.Key.Text] = plain(e.Value)
		}
		return out
	}
	return nil
}
