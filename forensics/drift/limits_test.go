package drift_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/drift"
	"github.com/firebreak-ir/firebreak/forensics/overlay"
)

// TestLimits says what each limit left out, and stops at it.
func TestLimits(t *testing.T) {
	t.Parallel()
	n := makeNode(t, "redirect_dir=on,metacopy=on", renames)
	few, sum := compare(t, n.layers, drift.Options{MaxChanges: 5})
	if said := strings.Join(sum.Notes, "\n"); len(few) != 5 || sum.More == 0 || !strings.Contains(said, "the limit of 5 changes is reached") {
		t.Errorf("%d changes, %+v", len(few), sum)
	}
	_, sum = compare(t, n.layers, drift.Options{MaxRenames: 1})
	if said := strings.Join(sum.Notes, "\n"); !strings.Contains(said, "among the first 1 deleted ones") {
		t.Errorf("%+v", sum)
	}
	for want, opts := range map[string]drift.Options{
		"are more than the limit of 20 for one file":        {MaxFileBytes: 20},
		"not hashed: the limit of bytes to hash is used up": {MaxBytes: 100},
	} {
		all, sum := compare(t, n.layers, opts)
		told := 0
		for _, ch := range all {
			if strings.Contains(ch.Problem, want) {
				told++
			}
		}
		if told == 0 || sum.Unhashed == 0 || sum.Hashed > 1000 {
			t.Errorf("%q is told %d times, %+v", want, told, sum)
		}
	}
}

// TestEnd ends with what the receiver returns, and says what is wrong with the layers.
func TestEnd(t *testing.T) {
	t.Parallel()
	n := makeNode(t, "redirect_dir=off,metacopy=off", func(d string) error { return os.WriteFile(filepath.Join(d, "new"), nil, 0o600) })
	stop := errors.New("stop")
	if _, err := drift.Compare(t.Context(), n.layers, drift.Options{}, func(drift.Change) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	for _, layers := range [][]overlay.Layer{nil, {n.layers[0], {Tree: n.layers[0].Tree, Root: "missing"}}} {
		if _, err := drift.Compare(t.Context(), layers, drift.Options{}, nil); err == nil {
			t.Errorf("%d layers are compared", len(layers))
		}
	}
	alone, sum := compare(t, n.layers[2:], drift.Options{}) // no image is known
	if len(alone) != 2 || alone[1].Path != "/new" || alone[1].Verdict != drift.Added {
		t.Errorf("%+v %+v", alone, sum)
	}
}

// TestEverything lists a place without an image: what looks like marks of overlayfs is a file like others there.
func TestEverything(t *testing.T) {
	t.Parallel()
	n := makeNode(t, "redirect_dir=on,metacopy=on", renames)
	seen := map[string]drift.Change{}
	sum, err := drift.Everything(t.Context(), n.layers[2], drift.Options{}, func(ch drift.Change) error {
		seen[ch.Path] = ch
		return nil
	})
	must(t, err)
	if ch := seen["/etc/conf/a"]; ch.Verdict != drift.Added || ch.New.Device != "0:0" || ch.New.Type != "device" {
		t.Errorf("%+v", ch)
	}
	if ch := seen["/tmp-dropper"]; len(ch.New.SHA256) != 64 || sum.Changes[drift.Added] != len(seen) || len(seen) < 20 {
		t.Errorf("%+v, %+v", ch, sum)
	}
}
