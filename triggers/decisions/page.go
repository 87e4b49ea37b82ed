package decisions

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"strings"
)

//go:embed page.html.tmpl
var pageText string

// page renders a view for a person. Everything in it is escaped: what is shown quotes an attacker.
func page(v view) ([]byte, error) {
	parsed, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, err
	}
	data := struct {
		view

		Seen  string
		Token string
	}{view: v}
	if v.Open != nil {
		data.Token = v.token()
		if v.Shown != nil {
			seen, err := readable(v.Shown)
			if err != nil {
				return nil, err
			}
			data.Seen = seen
		}
	}
	var b bytes.Buffer
	err = parsed.Execute(&b, data)
	return b.Bytes(), err
}

// readable is JSON as it is: the template escapes it.
func readable(v any) (string, error) {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(v)
	return strings.TrimSpace(b.String()), err
}
