package syntax

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReaderReportsEverythingAtOnce(t *testing.T) {
	root, problems := Parse("f", []byte(`
name: 12
addresss: x
port: many
ratio: 7
wait: 5
mode: fats
tags: [a, 1]
inner: text
flag: yes
empty: ""
`))
	r := &Reader{}
	r.Add(problems...)
	m := r.Map(root, "the file")
	m.Text("name")
	m.Text("address")
	m.Int("port", 1, 10)
	m.Number("ratio", 0, 1)
	m.Duration("wait", 0, time.Hour)
	m.OneOf("mode", "fast", "slow")
	m.Texts("tags")
	m.Map("inner").Done()
	m.Bool("flag")
	m.RequiredText("empty")
	m.RequiredText("token")
	m.Done()
	want := []string{
		`f:2:1: the file needs "token" [missing-key]`,
		`f:2:7: "name" must be text, but 12 is a whole number in YAML; quote it: "12" [type]`,
		`f:3:1: the file has no key "addresss"; did you mean "address"? [unknown-key]`,
		`f:4:7: "port" must be a whole number, not text [type]`,
		`f:5:8: "ratio" must be a number from 0 to 1, not "7" [value]`,
		`f:6:7: "wait" must be a time such as 90s, 5m or 2h30m, not "5" [duration]`,
		`f:7:7: "mode" cannot be "fats"; did you mean "fast"? [value]`,
		`f:8:11: an item of "tags" must be text, but 1 is a whole number in YAML; quote it: "1" [type]`,
		`f:9:8: "inner" must be a map, not text [type]`,
		`f:10:7: "flag" must be a boolean, not text [type]`,
		`f:11:8: "empty" must not be empty [type]`,
	}
	if diff := cmp.Diff(want, show(r.Problems())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReaderReadsWhatIsRight(t *testing.T) {
	root, _ := Parse("f", []byte("name: x\nport: 0x10\nratio: 0.5\nwait: 90s\nmode: slow\ntags: [a, b]\nflag: true\ninner: {a: b}\n"))
	r := &Reader{}
	m := r.Map(root, "the file")
	inner := m.Map("inner")
	got := []any{m.Text("name"), m.Int("port", 0, 99), m.Number("ratio", 0, 1), m.Duration("wait", 0, time.Hour),
		m.OneOf("mode", "fast", "slow"), m.Texts("tags"), m.Bool("flag"), inner.Text("a"), m.Map("absent").Text("x"), m.Has("absent")}
	want := []any{"x", 16, 0.5, 90 * time.Second, "slow", []string{"a", "b"}, true, "b", "", false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	m.Done()
	inner.Done()
	if found := r.Problems(); len(found) > 0 {
		t.Error(show(found))
	}
}

func TestNearest(t *testing.T) {
	names := []string{"kube.isolate_pod", "kube.label_pod", "kube.label_node", "aws.find_instance"}
	for word, want := range map[string]string{
		"kube.isolatepod": "kube.isolate_pod", "kube.lable_pod": "kube.label_pod", "AWS.Find_Instance": "aws.find_instance",
		"slack.post": "", "": "",
	} {
		if got := Nearest(word, names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{2 * time.Hour: "2h", 90 * time.Second: "1m30s", 5 * time.Minute: "5m", 0: "0s", 10 * time.Hour: "10h"} {
		if got := Short(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}
