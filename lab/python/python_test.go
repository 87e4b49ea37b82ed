package python

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestEveryRequirementIsPinned(t *testing.T) {
	pinned := regexp.MustCompile(`^[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*$`)
	for line := range strings.Lines(requirements) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") && !pinned.MatchString(line) {
			t.Errorf("not pinned: %q", line)
		}
	}
	for _, want := range []string{"moto==5.2.5\n", "docker_explorer==20230719\n", "Flask=="} {
		if !strings.Contains(requirements, want) {
			t.Errorf("%q is not among the requirements", want)
		}
	}
}

// An installation that was broken off has no mark, and is made anew.
func TestOnlyACompleteEnvironmentCounts(t *testing.T) {
	cache := t.TempDir()
	env, complete := Find(cache)
	if complete {
		t.Fatal("found one in an empty cache")
	}
	if err := os.MkdirAll(filepath.Dir(env.Moto()), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, complete := Find(cache); complete {
		t.Error("took a half-made one")
	}
	if err := os.WriteFile(filepath.Join(env.Dir, "complete"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := Ensure(t.Context(), cache, t.Output()); err != nil || again != env {
		t.Errorf("got %+v, %v", again, err)
	}
}

func TestAPythonThatIsTooOldIsNamed(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte("#!/bin/sh\ncase $2 in *version_info*) exit 1;; esac\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	if err := Possible(t.Context()); !errors.Is(err, ErrTooOld) {
		t.Errorf("got %v", err)
	}
}
