package evidence_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/evidence"
	"github.com/firebreak-ir/firebreak/custody"
)

func TestCheckReadsTheEvidenceAgain(t *testing.T) {
	store := newStore(t)
	c, err := store.Case("test-1.1")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{"live[0]/logs", "live[1]/logs"} {
		_, err := c.Put(t.Context(), custody.By{Step: step, Key: step}, "data/logs/"+strings.ReplaceAll(step, "/", "-"), "log", func(w io.Writer) error {
			_, err := io.WriteString(w, "log of "+step)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	check := func(in string) (evidence.CheckOutput, error) {
		return run[evidence.CheckOutput](t, evidence.Check(store, nil), call("kill/evidence"), in)
	}
	out, err := check(`{"steps":["live[0]/logs","live[1]/logs","disks"],"elsewhere":[{"step":"disks","what":"snapshots snap-1"}]}`)
	if err != nil || out.Files != 2 || out.Elsewhere != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	log, err := os.ReadFile(filepath.Join(c.Dir(), custody.LogName))
	if err != nil || !strings.Contains(string(log), "evidence of step disks is kept elsewhere: snapshots snap-1") {
		t.Fatalf("%s, %v", log, err)
	}
	refused := func(in, wrong string) {
		t.Helper()
		_, err := check(in)
		if kind, _ := activities.KindOf(err); kind != activities.GuardTripped || !strings.Contains(err.Error(), wrong) {
			t.Fatalf("got %v, %s", err, kind)
		}
	}
	refused(`{"steps":["disks"]}`, `no evidence of step "disks"`)
	refused(`{"steps":["live[2]/logs"],"elsewhere":[{"step":"disks","what":"x"}]}`, `no evidence of step "live[2]/logs"`)
	name := filepath.Join(c.Dir(), "data", "logs", "live[1]-logs")
	if err := os.WriteFile(name, []byte("altered"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(`{"steps":["live[0]/logs","live[1]/logs"]}`, `evidence of step "live[1]/logs": the file "data/logs/live[1]-logs" of the evidence is not what it was`)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	refused(`{"steps":["live[1]/logs"]}`, `evidence of step "live[1]/logs": the file "data/logs/live[1]-logs" of the evidence is gone`)
}

type beats struct{ all []activities.Progress }

func (b *beats) Report(p activities.Progress)            { b.all = append(b.all, p) }
func (*beats) Last() (p activities.Progress, found bool) { return p, false }

// A disk's image takes minutes to read: whoever watches sees how far it is.
func TestCheckTellsHowFarItIsInALargeFile(t *testing.T) {
	store := newStore(t)
	c, err := store.Case("test-1.1")
	if err != nil {
		t.Fatal(err)
	}
	const size = 5 << 20
	_, err = c.Put(t.Context(), custody.By{Step: "read", Key: "read"}, "data/image.raw", "disk image", func(w io.Writer) error {
		_, err := w.Write(make([]byte, size))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var b beats
	ctx := activities.WithReporter(t.Context(), &b)
	if _, err := evidence.Check(store, nil).Run(ctx, call("kill/evidence"), []byte(`{"steps":["read"]}`)); err != nil {
		t.Fatal(err)
	}
	if len(b.all) < 5 || b.all[0].Done >= size || b.all[len(b.all)-1].Done != size {
		t.Errorf("%+v", b.all)
	}
}

// bucket has snapshots with what is to be said of them.
type bucket map[string]error

func (b bucket) Check(_ context.Context, region string, ids []string) error {
	for _, id := range ids {
		if err, known := b[region+"/"+id]; err != nil || !known {
			return err
		}
	}
	return nil
}

// TestCheckAsksForSnapshots: one that was deleted since it was taken lets nothing be destroyed, and neither does one of which
// nobody can tell.
func TestCheckAsksForSnapshots(t *testing.T) {
	store := newStore(t)
	cloud := bucket{
		"eu/snap-1": nil, "eu/snap-2": nil,
		"eu/snap-gone":   activities.Permanent(activities.NotFound, errors.New("snapshot is gone"), ""),
		"eu/snap-broken": activities.Permanent(activities.Corrupt, errors.New("state error"), ""),
		"eu/snap-odd":    errors.New("no answer"),
	}
	tests := []struct {
		ids, wrong string
		kind       activities.Kind
	}{
		{`"snap-1","snap-2"`, "", ""},
		{`"snap-1","snap-gone"`, `evidence of step "disks": snapshot is gone`, activities.GuardTripped},
		{`"snap-broken"`, "state error", activities.GuardTripped},
		{`"snap-odd"`, "no answer", ""},
	}
	for _, test := range tests {
		in := `{"steps":["disks"],"elsewhere":[{"step":"disks","what":"snapshots","region":"eu","snapshots":[` + test.ids + `]}]}`
		out, err := run[evidence.CheckOutput](t, evidence.Check(store, cloud), call("kill/evidence"), in)
		kind, _ := activities.KindOf(err)
		if (err == nil) != (test.wrong == "") || kind != test.kind || err != nil && !strings.Contains(err.Error(), test.wrong) || err == nil && out.Elsewhere != 1 {
			t.Errorf("%s: %+v, %v (%s)", test.ids, out, err, kind)
		}
		if _, err := run[evidence.CheckOutput](t, evidence.Check(store, nil), call("kill/evidence"), in); err == nil {
			t.Errorf("%s: nobody was asked", test.ids)
		}
	}
}
