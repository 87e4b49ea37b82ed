package ticket_test

import (
	"os"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/ticket"
)

// hostile has what a line of an alert may hold, and how a ticket must show it.
func hostile() map[string]string {
	return map[string]string{
		"see https://evil.test/a?b=c":     `see https\[:\]//evil.test/a?b=c`,
		"HTTPS://EVIL.TEST ftp://x.y":     `HTTPS\[:\]//EVIL.TEST ftp\[:\]//x.y`,
		"www.evil.test and WWW.evil.test": `www\[.\]evil.test and WWW\[.\]evil.test`,
		"write to admin@evil.test":        `write to admin\[@\]evil.test`,
		"mailto:a@b.test":                 `mailto\[:\]a\[@\]b.test`,
		"@security-team approved":         `\[@\]security-team approved`,
		"shop/web@sha256:00ff stays":      `shop/web@sha256:00ff stays`,
		"~~~":                             `\~\~\~`,
		"~~struck~~ $x$":                  `\~\~struck\~\~ \$x\$`,
		"```sh":                           "\\`\\`\\`sh",
		"![i](https://evil.test/i.png)":   `\!\[i\](https\[:\]//evil.test/i.png)`,
		"<https://evil.test>":             `\<https\[:\]//evil.test\>`,
		"[a]: https://evil.test":          `\[a\]: https\[:\]//evil.test`,
		"zero\u200bwidth \u202e":          `zero\\u200bwidth \\u202e`,
	}
}

// opening has what opens a block at the start of a line of the body.
func opening() map[string]string {
	return map[string]string{
		"---": `\---`, "~~~": `\~\~\~`, "===": `\===`, "- [x] done": `\- \[x\] done`, "+ a": `\+ a`, "12. a": `12\. a`, "3) a": `3\) a`, "  - a": `  \- a`,
		"      code": `   code`, "> quote": `\> quote`, "# head": `\# head`, "-rw-r--r-- root": `\-rw-r--r-- root`, "10.0.0.7 asked": `10\.0.0.7 asked`,
	}
}

func textOf(t *testing.T, in ticket.OpenInput) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := run(t, dir, activities.Call{Case: "c.1", Key: "k"}, in); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(files(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(got), "\n---\n\n")
	return text
}

func TestHostileTitlesItemsAndBodiesAreInert(t *testing.T) {
	for in, want := range hostile() {
		got := textOf(t, ticket.OpenInput{Title: "x " + in, Body: "x " + in, Items: []string{"x " + in}})
		shown := "x " + strings.TrimRight(want, " ")
		if got != "# "+shown+"\n\n"+shown+"\n\n- [ ] "+shown+"\n" {
			t.Errorf("%q became\n%s\nwant\n%s", in, got, shown)
		}
	}
	for in, want := range opening() {
		if got := textOf(t, ticket.OpenInput{Title: "x", Body: "x\n" + in}); got != "# x\n\nx\n"+want+"\n" {
			t.Errorf("%q became\n%s\nwant\n%s", in, got, want)
		}
	}
}
