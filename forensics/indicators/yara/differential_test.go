package yara_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/indicators/yara"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// samples are the files that rules are tried on.
func samples() map[string][]byte {
	wide := func(s string) string { return strings.Join(strings.Split(s, ""), "\x00") + "\x00" }
	mixed := "FIRST stratum+tcp://pool.example.org:3333 Config CONFIG config concat cat_ cat 9cat cat9 " +
		wide("Config cat CONFIG xcat catx") + " tab\there \"q\" \\ \x00\xff aaaaaaaaa Zqx abXXyz ab12yzyz abc abXc abXXc " +
		"abcd axQd aqrsd afg bcfg bdefg START" + strings.Repeat("-", 290) + "END id=1234567 XMRig-six abbbbc ac q123r45r one\ntwo one-two " +
		"foobarend bazzend me@mail.example.org z-Dz zaaz abc-x -abcx a-b-] k{v} abc abbc abbbc " +
		"0123456789abcdef0123456789abcdef012 concatenate c-t xc-t LAST"
	elf := "\x7fELF\x02\x01\x01\x00" + strings.Repeat("\xfe", 20) + "aaaa b bbbb"
	return map[string][]byte{
		"empty": nil, "one": []byte("a"), "mixed": []byte(mixed), "elf": []byte(elf), "zeros": make([]byte, 9000),
		"repeats": bytes.Repeat([]byte("aaaaaaab"), 30), "lines": []byte("one\r\ntwo\nFIRST\nLAST\n"),
	}
}

// TestAsYara compares rules, offsets and lengths with the yara command's, for every rule file and sample.
func TestAsYara(t *testing.T) {
	labenv.NeedTool(t, "yara", "apt-get install yara")
	files, err := filepath.Glob("testdata/rules/*.yar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	dir := t.TempDir()
	for name, content := range samples() {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			rules := compile(t, string(text))
			for name, content := range samples() {
				if diff := cmp.Diff(theirs(t, file, filepath.Join(dir, name)), ours(t, rules, content)); diff != "" {
					t.Errorf("%s: yara -, ours +\n%s", name, diff)
				}
			}
		})
	}
}

func compile(t testing.TB, text string) *yara.Rules {
	t.Helper()
	rules, problems := yara.Compile(yara.Source{Name: "rules.yar", Text: text})
	for _, p := range problems {
		t.Fatal(p)
	}
	return rules
}

// ours gives the matches of a file as lines.
func ours(t testing.TB, rules *yara.Rules, content []byte) []string {
	t.Helper()
	result, err := rules.Scan(t.Context(), bytes.NewReader(content), int64(len(content)), yara.Options{MaxMatches: 1 << 20})
	if err != nil || len(result.Undecided) > 0 {
		t.Fatal(err, result.Undecided)
	}
	out := []string{}
	for _, m := range result.Matches {
		out = append(out, "rule "+m.Rule)
		for _, s := range m.Strings {
			out = append(out, fmt.Sprintf("%s %s %d+%d", m.Rule, s.ID, s.Offset, s.Length))
		}
	}
	slices.Sort(out)
	return out
}

// theirs gives the same of the yara command.
func theirs(t testing.TB, rules, file string) []string {
	t.Helper()
	out, err := askYara(rules, file)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func askYara(rules, file string) ([]string, error) {
	var stderr bytes.Buffer
	c := exec.Command("yara", "-s", "-L", "-w", rules, file)
	c.Stderr = &stderr
	raw, err := c.Output()
	if err != nil || stderr.Len() > 0 {
		return nil, fmt.Errorf("yara: %w: %s", err, stderr.String())
	}
	out, rule := []string{}, ""
	line := regexp.MustCompile(`^0x([0-9a-f]+):(\d+):(\$\w*)`)
	for text := range strings.SplitSeq(strings.TrimSpace(string(raw)), "\n") {
		if m := line.FindStringSubmatch(text); m != nil {
			var at int64
			if _, err := fmt.Sscanf(m[1], "%x", &at); err != nil {
				return nil, err
			}
			out = append(out, fmt.Sprintf("%s %s %d+%s", rule, m[3], at, m[2]))
		} else if name, _, ok := strings.Cut(text, " "); ok {
			rule = name
			out = append(out, "rule "+rule)
		}
	}
	slices.Sort(out)
	return out, nil
}
