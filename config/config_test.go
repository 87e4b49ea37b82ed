package config

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

var update = flag.Bool("update", false, "rewrite the expected results")

func none(string) (string, bool) { return "", false }

func environment(pairs ...string) Lookup {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func TestParse(t *testing.T) {
	for _, name := range files(t, "testdata/ok/*.yaml") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			c, problems := Parse(name, read(t, name))
			for _, p := range problems {
				t.Error(p)
			}
			got, err := json.MarshalIndent(c, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(name, ".yaml")+".out", string(got)+"\n")
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, name := range files(t, "testdata/err/*.yaml") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			_, problems := Parse(name, read(t, name))
			golden(t, strings.TrimSuffix(name, ".yaml")+".out", lines(problems))
		})
	}
}

func TestAProblemNeverRepeatsASecret(t *testing.T) {
	for _, token := range []string{"hunter2hunter2hunter2", "1234567812345678", "[hunter2]", "{hunter2: x}", "file:"} {
		_, problems := Parse("f.yaml", []byte("receiver: {token: "+token+"}"))
		if len(problems) != 1 || strings.Contains(lines(problems), "hunter2") || strings.Contains(lines(problems), "1234") {
			t.Errorf("token %s: %s", token, lines(problems))
		}
	}
}

func TestLoadOrder(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "flag.yaml", "cluster: flag")
	write(t, "env.yaml", "cluster: env\nevidence: kept\nreceiver: {token: 'file:t'}")
	check := func(flag string, env Lookup, cluster, evidence string) Config {
		t.Helper()
		c, problems, err := Load(flag, env)
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		if c.Cluster != cluster || c.Evidence != evidence {
			t.Errorf("got cluster %q, evidence %q", c.Cluster, c.Evidence)
		}
		return c
	}
	check("", none, "default", "evidence")
	check("flag.yaml", environment(FileVariable, "env.yaml"), "flag", "evidence")
	check("", environment(FileVariable, "env.yaml", ClusterVariable, "over"), "over", "kept")
	c := check("", environment(FileVariable, "env.yaml", TokenVariable, "s"), "env", "kept")
	if c.Receiver.Token != (Secret{Env: TokenVariable}) {
		t.Errorf("the environment's token does not win: %v", c.Receiver.Token)
	}
	write(t, "firebreak.yaml", "cluster: here")
	check("", none, "here", "evidence")
	if _, _, err := Load("gone.yaml", none); err == nil {
		t.Error("a named file that is missing was passed over")
	}
}

func TestCheck(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "empty", " \n")
	write(t, "cert.pem", "x")
	text := strings.Join([]string{
		"receiver:",
		"  token: file:empty",
		"  tls: {certificate: cert.pem, key: key.pem}",
		"playbooks: [library/pod-compromise, mine]",
		"signing: {keys: [team.pub]}",
	}, "\n")
	c, problems := Parse("firebreak.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(lines(problems))
	}
	want := strings.Join([]string{
		"firebreak.yaml:2:10: the secret in file:empty is empty [secret]",
		"firebreak.yaml:3:37: stat key.pem: no such file or directory [missing-file]",
		"firebreak.yaml:4:37: stat mine: no such file or directory [missing-file]",
		"firebreak.yaml:5:18: stat team.pub: no such file or directory [missing-file]",
		"",
	}, "\n")
	if diff := cmp.Diff(want, lines(c.Check(none))); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	c.Receiver.Token = Secret{Env: "ABSENT"}
	if got := lines(c.Check(none)); !strings.Contains(got, "ABSENT is not set") {
		t.Errorf("got %s", got)
	}
}

// TestWhatIsUsedIsChecked: problems are those of the values that are used, whether the file or the environment gave them.
func TestWhatIsUsedIsChecked(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		env  Lookup
		want []string
	}{
		"empty": {"cluster: ''\nreceiver: {listen: ''}\nplaybooks: []\n", none, []string{
			`firebreak.yaml:1:10: "cluster" must not be empty: it names the cluster in task queues and cases [value]`,
			`firebreak.yaml:2:20: "listen" must not be empty: it is where alerts come in [value]`,
			`firebreak.yaml:3:12: "playbooks" must name at least one: no alert could start anything; leave the key out to load library/pod-compromise [value]`,
		}},
		"empty items": {"playbooks: ['', ' ', library/]\n", none, []string{
			`firebreak.yaml:1:13: an item of "playbooks" must not be empty [value]`,
			`firebreak.yaml:1:17: an item of "playbooks" must not be empty [value]`,
			`firebreak.yaml:1:22: library/ needs the name of a playbook, such as library/pod-compromise [value]`,
		}},
		"once only": {"cluster: 7\nreceiver: {listen: [x]}\nplaybooks: 7\n", none, []string{
			`firebreak.yaml:1:10: "cluster" must be text, but 7 is a whole number in YAML; quote it: "7" [type]`,
			`firebreak.yaml:2:20: "listen" must be text, not a list [type]`,
			`firebreak.yaml:3:12: "playbooks" must be a list, not a whole number [type]`,
		}},
		"empty and overridden":  {"cluster: ''\nreceiver: {listen: ''}\n", environment(ClusterVariable, "lab", ListenVariable, ":1"), nil},
		"overridden by nothing": {"cluster: lab\n", environment(ClusterVariable, "", ListenVariable, ""), nil},
		"wrong overrides": {"cluster: lab\nplaybooks: []\n", environment(ClusterVariable, "Prod_1", ListenVariable, "localhost",
			WebUIVariable, "temporal", EvidenceVariable, " ", TrackerVariable, "\t"), []string{
			`environment:1:1: FIREBREAK_CLUSTER must be up to 63 lower-case letters, digits, dots and hyphens, not "Prod_1" [value]`,
			`environment:1:1: FIREBREAK_EVIDENCE must be a path, not " " [value]`,
			`environment:1:1: FIREBREAK_LISTEN must be an address with a port, such as 127.0.0.1:8088 or :8443, not "localhost" [value]`,
			`environment:1:1: FIREBREAK_TRACKER must be a path, not "\t" [value]`,
			`environment:1:1: FIREBREAK_WEB_UI must be an address such as http://127.0.0.1:8233, not "temporal" [value]`,
			`firebreak.yaml:2:12: "playbooks" must name at least one: no alert could start anything; leave the key out to load library/pod-compromise [value]`,
		}},
		"no file": {"", environment(ClusterVariable, "Prod_1"), []string{
			`environment:1:1: FIREBREAK_CLUSTER must be up to 63 lower-case letters, digits, dots and hyphens, not "Prod_1" [value]`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if c.file != "" {
				write(t, "firebreak.yaml", c.file)
			}
			_, problems, err := Load("", c.env)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.Error())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheVariableIsNamed: a token of the environment that is wrong is not the fault of the line that it overrides.
func TestTheVariableIsNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "firebreak.yaml", "receiver: {token: 'file:token'}\nwebUI: http://x\n")
	env := environment(TokenVariable, " ", WebUIVariable, "https://temporal.example.com/")
	c, problems, err := Load("", env)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if got, want := lines(c.Check(env)), "environment:1:1: the secret in env:FIREBREAK_TOKEN is empty [secret]\n"; got != want {
		t.Errorf("got %s", got)
	}
	if c.WebUI != "https://temporal.example.com" {
		t.Errorf("webUI is %s", c.WebUI)
	}
}

func TestSecret(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "token", "  s3cret\n")
	for text, want := range map[string]string{"file:token": "s3cret", "env:TOKEN": "from env"} {
		s, err := ParseSecret(text, ".")
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Read(environment("TOKEN", "from env\n"))
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v", text, got, err)
		}
		if s.String() != text {
			t.Errorf("%s prints as %s", text, s)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/ok/*.yaml", "testdata/err/*.yaml"} {
		for _, name := range files(f, pattern) {
			f.Add(read(f, name))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, problems := Parse("firebreak.yaml", raw)
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Message == "" || p.Rule == "" {
				t.Errorf("a problem without a place: %+v", p)
			}
		}
	})
}

func lines(problems []syntax.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.Error() + "\n")
	}
	return b.String()
}

func files(t testing.TB, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no files %q: %v", pattern, err)
	}
	return names
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(read(t, name)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
