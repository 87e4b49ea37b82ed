package notify

import (
	"net/url"
	"strings"
)

// message is what a webhook gets, as JSON.
type message struct {
	Key        string    `json:"key"` // the same when it is sent again
	Case       string    `json:"case"`
	Cluster    string    `json:"cluster,omitempty"`
	Step       string    `json:"step,omitempty"`
	Title      string    `json:"title"`
	Text       string    `json:"text,omitempty"`
	Severity   string    `json:"severity,omitempty"`
	For        []string  `json:"for,omitempty"`   // circles, groups and people
	Page       string    `json:"page,omitempty"`  // where it is decided, by those who can prove who they are
	Link       string    `json:"link,omitempty"`  // lets whoever holds it decide in the name of the one who reads here
	Links      []ownLink `json:"links,omitempty"` // the same, for each person
	References []Link    `json:"references,omitempty"`
}

// ownLink is a link that only its person may get.
type ownLink struct {
	Person string `json:"person"`
	URL    string `json:"url"`
}

func slicesOf(to Audience) []string {
	if to.everybody() {
		return nil
	}
	return append(append(append([]string{}, to.Circles...), to.Groups...), to.Subjects...)
}

// slackMessage is an incoming webhook's. Slack's own readers of links are asked to stay away.
type slackMessage struct {
	Text        string `json:"text"`
	UnfurlLinks bool   `json:"unfurl_links"`
	UnfurlMedia bool   `json:"unfurl_media"`
}

func (m message) slack() slackMessage {
	lines := []string{"*" + escaped(m.Title) + "*"}
	if m.Text != "" {
		lines = append(lines, escaped(m.Text))
	}
	var about []string
	for _, one := range []struct{ what, value string }{{"case", m.Case}, {"step", m.Step}, {"cluster", m.Cluster}, {"severity", m.Severity}} {
		if one.value != "" { // what a sweep says is of no case
			about = append(about, one.what+" "+escaped(one.value))
		}
	}
	lines = append(lines, strings.Join(about, ", "))
	if at := m.address(); at != "" {
		lines = append(lines, "<"+at+"|Look and decide>")
	}
	for _, r := range m.References {
		lines = append(lines, "<"+r.URL+"|"+escaped(r.Title)+">")
	}
	return slackMessage{Text: strings.Join(lines, "\n")}
}

func (m message) address() string {
	if m.Link != "" {
		return m.Link
	}
	return m.Page
}

// escaped keeps an attacker's words from being Slack's: a mention, a link, bold. Words in code and of addresses stay readable.
func escaped(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "∗", "`", "'", "_", "\u200b_", "~", "\u200b~",
		"://", ":\u200b//", "www.", "www\u200b.", "@", "@\u200b").Replace(strings.Join(strings.Fields(text), " "))
}

// safeLinks are the links that lead to pages: of anything else a reader of messages could make what it likes.
func safeLinks(list []Link) []Link {
	var out []Link
	for _, l := range list {
		u, err := url.Parse(l.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(l.URL, "<>|\" \n\r\t") {
			continue
		}
		if l.Title == "" {
			l.Title = u.Host
		}
		out = append(out, l)
	}
	return out
}
