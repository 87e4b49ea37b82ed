package report

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"
)

//go:embed page.md.tmpl
var markdownTemplate string

func writeMarkdown(w io.Writer, p page) error {
	t, err := template.New("page").Funcs(template.FuncMap{"code": code}).Parse(markdownTemplate)
	if err != nil {
		return fmt.Errorf("report template: %w", err)
	}
	return t.Execute(w, p)
}

// code makes text inert: inside a code span nothing is a link, a mention or HTML. The fence is longer than any run of
// backticks in the text.
func code(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return ""
	}
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	pad := ""
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		pad = " "
	}
	return fence + pad + text + pad + fence
}
