package config

import (
	"net"
	"net/url"
	"path/filepath"
	"regexp"
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
	p.word(m, "cluster", &c.Cluster)
	p.path(m, "", "evidence", &c.Evidence)
	p.path(m, "", "tracker", &c.Tracker)
	p.address(m, "webUI", &c.WebUI)
	p.receiver(m.Map("receiver"))
	p.playbooks(m)
	p.inputs(m.Map("inputs"))
	p.tools(m.Map("tools"))
	m.Done()
}

func (p *parser) receiver(m *syntax.Mapping) {
	c := &p.config.Receiver
	if n := m.Optional("listen"); n != nil {
		if c.Listen = m.Text("listen"); c.Listen != "" && !isListen(c.Listen) {
			p.reader.Report(n, "value", `"listen" must be an address with a port, such as 127.0.0.1:8088 or :8443, not %q`, c.Listen)
		}
	}
	p.secret(m, "receiver.", "token", &c.Token)
	tls := m.Map("tls")
	p.path(tls, "receiver.tls.", "certificate", &c.TLS.Certificate)
	p.path(tls, "receiver.tls.", "key", &c.TLS.Key)
	p.path(tls, "receiver.tls.", "clientCA", &c.TLS.ClientCA)
	if n := tls.Node(); n != nil && n.Kind == syntax.Map && (c.TLS.Certificate == "" || c.TLS.Key == "") {
		p.reader.Report(n, "missing-key", `"tls" needs both "certificate" and "key"`)
	}
	tls.Done()
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
	if m.Optional("playbooks") == nil {
		return
	}
	p.config.Playbooks = nil
	for _, n := range m.List("playbooks") {
		text := p.reader.Text(n, `an item of "playbooks"`)
		name, ofLibrary := strings.CutPrefix(text, "library/")
		switch {
		case text == "":
			continue
		case ofLibrary:
			p.config.Playbooks = append(p.config.Playbooks, Playbook{Name: name, Pos: n.Position})
		default:
			p.config.Playbooks = append(p.config.Playbooks, Playbook{Path: within(p.base, text), Pos: n.Position})
		}
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
	if n := m.Optional("dockerExplorer"); n != nil {
		p.config.DockerExplorer = m.Texts("dockerExplorer")
		if n.Kind == syntax.List && len(n.Items) == 0 {
			p.reader.Report(n, "value", `"dockerExplorer" must name a program, one word an item`)
		}
	}
	m.Done()
}

// word reads a name that becomes part of task queues and labels.
func (p *parser) word(m *syntax.Mapping, key string, into *string) {
	n := m.Optional(key)
	if n == nil {
		return
	}
	*into = m.Text(key)
	if *into != "" && !regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`).MatchString(*into) {
		p.reader.Report(n, "value", "%q must be up to 63 lower-case letters, digits, dots and hyphens, not %q", key, *into)
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

func (p *parser) address(m *syntax.Mapping, key string, into *string) {
	n := m.Optional(key)
	if n == nil {
		return
	}
	*into = strings.TrimSuffix(m.Text(key), "/")
	u, err := url.Parse(*into)
	if *into != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		p.reader.Report(n, "value", "%q must be an address such as http://127.0.0.1:8233, not %q", key, *into)
	}
}

func isListen(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 0 && n <= 65535
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
