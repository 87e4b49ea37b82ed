package ticket_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/ticket"
)

func opened() time.Time { return time.Date(2026, 11, 20, 8, 30, 0, 0, time.UTC) }

func run(t *testing.T, dir string, call activities.Call, in ticket.OpenInput) (ticket.OpenOutput, error) {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	result, err := ticket.Open(ticket.NewFolder(dir, opened)).Run(context.Background(), call, raw)
	if err != nil {
		return ticket.OpenOutput{}, err
	}
	var out ticket.OpenOutput
	if err := json.Unmarshal(result, &out); err != nil {
		t.Fatal(err)
	}
	return out, nil
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestOneTicketForOneKey(t *testing.T) {
	dir := t.TempDir()
	call := activities.Call{Case: "c.1", Step: "improve", Key: "c.1/improve"}
	var wait sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		wait.Go(func() {
			out, err := run(t, dir, call, ticket.OpenInput{Title: "Pin the image"})
			if err != nil {
				t.Error(err)
			}
			ids[i] = out.ID
		})
	}
	wait.Wait()
	if got := files(t, dir); len(got) != 1 || !strings.Contains(got[0], ids[0]) {
		t.Fatalf("eight attempts left %v, ids %v", got, ids)
	}
	call.Key = "c.1/other"
	if _, err := run(t, dir, call, ticket.OpenInput{Title: "Pin the image"}); err != nil {
		t.Fatal(err)
	}
	if got := files(t, dir); len(got) != 2 {
		t.Fatalf("another key did not open another ticket: %v", got)
	}
}

func TestDryRunOpensNothing(t *testing.T) {
	dir := t.TempDir()
	out, err := run(t, dir, activities.Call{Key: "k", DryRun: true}, ticket.OpenInput{Title: "Pin the image"})
	if err != nil || len(out.Would) != 1 || len(files(t, dir)) != 0 {
		t.Fatalf("%+v, %v, files %v", out, err, files(t, dir))
	}
}

func TestAttackersWordsAreData(t *testing.T) {
	dir := t.TempDir()
	in := ticket.OpenInput{
		Title: "x\n---\nstatus: closed\n# [click](javascript:1)", Body: "<script>alert(1)</script>\n\x1b[2Jgone",
		Items: []string{"a\n# b"}, Labels: []string{"a\", \"b"}, Severity: "high",
	}
	if _, err := run(t, dir, activities.Call{Case: "c.1", Key: "../../k\n"}, in); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(files(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	want := `---
id: FB-` + filepath.Base(files(t, dir)[0])[3:13] + `
case: "c.1"
key: "../../k\n"
severity: high
status: open
opened: 2026-11-20T08:30:00Z
labels: ["a\", \"b"]
---

# x --- status: closed \# \[click\](javascript:1)

\<script\>alert(1)\</script\>
\\u001b\[2Jgone

- [ ] a \# b
`
	if string(got) != want {
		t.Fatalf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestBadInputIsPermanent(t *testing.T) {
	for _, in := range []ticket.OpenInput{{Title: " \n"}, {Title: "x", Severity: "huge"}} {
		_, err := run(t, t.TempDir(), activities.Call{Key: "k"}, in)
		if kind, ok := activities.KindOf(err); !ok || kind != activities.InvalidInput {
			t.Errorf("%+v gave %v", in, err)
		}
	}
}
