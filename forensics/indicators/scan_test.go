package indicators_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/extract"
	"github.com/firebreak-ir/firebreak/forensics/indicators"
	"github.com/firebreak-ir/firebreak/forensics/indicators/yara"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

const rules = `
rule dropper : bad worse { strings: $a = "stratum+tcp" condition: $a }
rule program { condition: uint32(0) == 0x464c457f }
`

// disk makes an image of files, many of them small, and some links and pipes that lead outside.
func disk(t *testing.T) *ext4.FS {
	t.Helper()
	labenv.NeedTool(t, "mkfs.ext4", "apt-get install e2fsprogs")
	root := t.TempDir()
	write := func(name, content string) {
		name = filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 200 {
		write(fmt.Sprintf("many/%03d", i), fmt.Sprint("file ", i))
	}
	write("empty", "")
	write("tmp/.x", "\x7fELF stratum+tcp://pool")
	write("tmp/odd\n\xff", "stratum+tcp")
	write("large", strings.Repeat("x", 300_000))
	if err := errors.Join(os.Symlink("/etc/shadow", filepath.Join(root, "tmp/link")), os.Symlink("/proc/self/mem", filepath.Join(root, "link"))); err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(t.TempDir(), "disk.img")
	if out, err := exec.Command("mkfs.ext4", "-q", "-d", root, image, "16M").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := os.Open(image)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	fs, err := ext4.Open(f, 16<<20, ext4.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func set(t *testing.T) indicators.Set {
	t.Helper()
	s := indicators.Set{Hashes: &indicators.Hashes{}, Paths: &indicators.Paths{}}
	if problems, err := s.Hashes.ReadHashes("hashes", strings.NewReader(sum256+"\n"+sum1+"\n"+sum5+"\n")); err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if problems, err := s.Paths.ReadPaths("paths", strings.NewReader("/tmp/l*\n/many/19?\n")); err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	var problems []yara.Problem
	if s.Rules, problems = yara.Compile(yara.Source{Name: "rules", Text: rules}); len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

func lines(t *testing.T, s indicators.Set, tree *ext4.FS, opts indicators.Options) (string, indicators.Summary) {
	t.Helper()
	var out strings.Builder
	sum, err := s.Scan(t.Context(), tree, ".", opts, func(h indicators.Hit) error {
		raw, err := json.Marshal(h)
		out.WriteString(string(raw) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), sum
}

// TestScan finds files by all kinds of indicators, the same with one worker and with sixteen, and reads nothing outside.
func TestScan(t *testing.T) {
	t.Parallel()
	tree, s := disk(t), set(t)
	one, sum := lines(t, s, tree, indicators.Options{MaxFileBytes: 200_000})
	if sixteen, _ := lines(t, s, tree, indicators.Options{MaxFileBytes: 200_000, Workers: 16}); sixteen != one {
		t.Errorf("one worker -, sixteen +\n%s", cmp.Diff(one, sixteen))
	}
	want := map[indicators.Kind]int{indicators.ByHash: 3, indicators.ByPath: 11, indicators.ByRule: 3, indicators.Unread: 1}
	if diff := cmp.Diff(want, sum.Hits); diff != "" || sum.Files != 204 || sum.Unread != 1 {
		t.Errorf("%+v\n%s%s", sum, diff, one)
	}
	for _, line := range []string{
		`{"kind":"hash","path":"/empty","indicator":"` + sum1 + `","from":{"file":"hashes","line":2},"size":0,"sha256":"` + sum256 + `"}`,
		`{"kind":"unread","path":"/large","size":300000,"problem":"300000 bytes are more than the limit of 200000 for one file"}`,
		`{"kind":"path","path":"/tmp/link","indicator":"/tmp/l*","from":{"file":"paths","line":1},"size":11}`,
		`"path":"/tmp/.x","indicator":"dropper","match":{"rule":"dropper","place":"rules:2:1","tags":["bad","worse"],"strings":[{"id":"$a","offset":5,"length":11}]}`,
		`"path":"/tmp/odd\n\ufffd","rawPath":"L3RtcC9vZGQK/w=="`,
	} {
		if !strings.Contains(one, line) {
			t.Errorf("no %s in\n%s", line, one)
		}
	}
}

// TestLimits says what the limit of all bytes leaves unread.
func TestLimits(t *testing.T) {
	t.Parallel()
	tree, s := disk(t), set(t)
	out, sum := lines(t, s, tree, indicators.Options{MaxBytes: 300_100, Workers: 3})
	if sum.Unread == 0 || sum.Bytes > 300_100 || strings.Count(out, "the limit of 300100 bytes for all files is used up") != sum.Unread {
		t.Errorf("%+v\n%s", sum, out)
	}
}

// TestEnd ends a search when its receiver does, or when nobody waits.
func TestEnd(t *testing.T) {
	t.Parallel()
	tree, s := disk(t), set(t)
	stop := errors.New("stop")
	if _, err := s.Scan(t.Context(), tree, ".", indicators.Options{Workers: 4}, func(indicators.Hit) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Scan(ctx, tree, ".", indicators.Options{}, func(indicators.Hit) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestExternal runs the yara command over a copy of the image's files.
func TestExternal(t *testing.T) {
	t.Parallel()
	labenv.NeedTool(t, "yara", "apt-get install yara")
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "-rules.yar")
	if _, err := extract.Tree(t.Context(), disk(t), ".", dir, extract.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(rules+"import \"pe\"\nrule modules { condition: pe.is_dll() == 0 and filesize == 0 }"), 0o600); err != nil {
		t.Fatal(err)
	}
	hits, warnings, err := indicators.External{Rules: []string{file}}.Run(t.Context(), dir)
	want := []indicators.ExternalHit{
		{Rule: "dropper", Tags: []string{"bad", "worse"}, Path: "tmp/.x"}, {Rule: "program", Path: "tmp/.x"},
		{Rule: "dropper", Tags: []string{"bad", "worse"}, Path: "tmp/odd%0A%FF"},
	}
	if diff := cmp.Diff(want, hits); diff != "" || err != nil || len(warnings) > 0 {
		t.Errorf("%v %q\n%s", err, warnings, diff)
	}
}

// TestExternalFailures says why the command gave nothing.
func TestExternalFailures(t *testing.T) {
	t.Parallel()
	sh := func(script string) []string { return []string{"/bin/sh", "-c", script} }
	for name, test := range map[string]struct {
		e    indicators.External
		want string
	}{
		"not installed": {indicators.External{Command: []string{"/no/such/yara"}, Rules: []string{"r"}}, "the yara command is not installed"},
		"no rules":      {indicators.External{}, "no file of rules"},
		"refuses":       {indicators.External{Command: sh("echo 'bad \x1b rule' >&2; exit 1"), Rules: []string{"r"}}, `exit status 1: "bad \x1b rule"`},
		"slow":          {indicators.External{Command: sh("exec sleep 60"), Rules: []string{"r"}, Timeout: 100 * time.Millisecond}, "did not end within 100ms"},
		"much":          {indicators.External{Command: sh("yes 'a [] ./b' | head -1000"), Rules: []string{"r"}, MaxOutput: 100}, "more than 100 bytes"},
		"other":         {indicators.External{Command: sh("echo hello"), Rules: []string{"r"}}, `printed "hello"`},
	} {
		_, _, err := test.e.Run(t.Context(), t.TempDir())
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
