package plan_test

import (
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// hostile are words that an attacker would choose.
func hostile() []string {
	return []string{
		"", "web-7d9f", `'}) or vector(1) #`, `"} or up{a="`, "`$(reboot)`; rm -rf /", "a\nb\r\tc", `\`, `\'`, "x' 'y", "-rf", "a|b.*(", "ü\u2028", "%s${{ 1 }}",
	}
}

func TestWhatIsQuotedIsReadBackAsItWas(t *testing.T) {
	for _, text := range hostile() {
		t.Run(strconv.Quote(text), func(t *testing.T) {
			literal, err := plan.Quote("promql", text)
			if read, bad := strconv.Unquote(literal); err != nil || bad != nil || read != text {
				t.Errorf("promql: %s gives %q, %v, %v", literal, read, err, bad)
			}
			if strings.ContainsAny(plan.Escape(text), "'\"\n") {
				t.Errorf("promql: %s ends a literal early", plan.Escape(text))
			}
			pattern, err := plan.Quote("regex", text)
			if err != nil || !regexp.MustCompile("^(?:"+pattern+")$").MatchString(text) || regexp.MustCompile("^(?:"+pattern+")$").MatchString(text+"x") {
				t.Errorf("regex: %s, %v", pattern, err)
			}
			word, err := plan.Quote("shell", text)
			out, bad := exec.CommandContext(t.Context(), "/bin/sh", "-c", "printf %s "+word).Output()
			if err != nil || bad != nil || string(out) != text {
				t.Errorf("shell: %s gives %q, %v, %v", word, out, err, bad)
			}
		})
	}
}

func TestASelectorTakesLabelValuesAlone(t *testing.T) {
	for _, text := range []string{"web-7d9f", "", "A.b_c-1"} {
		if got, err := plan.Quote("selector", text); err != nil || got != text {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"a,b", "a=b", "a)", "-a", "a-", "a b", strings.Repeat("a", 64), "a\n"} {
		if got, err := plan.Quote("selector", text); err == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func FuzzQuotePromQL(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		literal, err := plan.Quote("promql", text)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(literal[1:len(literal)-1], "'\"\n\r") {
			t.Fatalf("%q ends early: %s", text, literal)
		}
		if read, err := strconv.Unquote(literal); err != nil || read != strings.ToValidUTF8(text, "\uFFFD") {
			t.Fatalf("%q: %s gives %q, %v", text, literal, read, err)
		}
	})
}

func TestFunctionsOfOurOwn(t *testing.T) {
	eval, err := plan.NewEvaluator().For(plan.Plan{})
	if err != nil {
		t.Fatal(err)
	}
	alert := plan.Alert{Rule: "it's", Fields: map[string]any{"b": "2", "a": "1"}}
	tests := []struct{ source, want string }{
		{`[[1, 2], [3]].flatMap(x, x.map(y, y + 1)).map(x, string(x)).join(',')`, "2,3,4"},
		{`sortedKeys(alert.fields).join(',')`, "a,b"},
		{`promql.quote(alert.rule)`, `"it\u0027s"`},
		{`shell.quote(alert.rule)`, `'it'\''s'`},
		{`regex.quote('a.b')`, `a\.b`},
		{`selector.quote('web')`, "web"},
	}
	for _, test := range tests {
		got, err := eval.Text(plan.Expr{Source: test.source}, plan.Scope{Alert: alert})
		if err != nil || got != test.want {
			t.Errorf("%s: %q, %v", test.source, got, err)
		}
	}
	if _, err := eval.Text(plan.Expr{Source: `selector.quote('a=b')`}, plan.Scope{Alert: alert}); err == nil {
		t.Error("a selector takes what is no label value")
	}
}
