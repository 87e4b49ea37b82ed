package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/firebreak-ir/firebreak/playbooks/library"
)

// playbookFolder writes a folder of that many playbooks, each of them the shipped one under another name, some in folders
// below.
func playbookFolder(tb testing.TB, count int) string {
	tb.Helper()
	raw, ok := library.Find("pod-compromise")
	if !ok {
		tb.Fatal("the library has no pod-compromise")
	}
	root := tb.TempDir()
	for i := range count {
		folder := filepath.Join(root, fmt.Sprintf("team-%d", i%10))
		name := fmt.Sprintf("pod-%d", i)
		text := bytes.Replace(raw, []byte("name: pod-compromise"), []byte("name: "+name), 1)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+".yaml"), text, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return root
}

// BenchmarkLintFolder checks a folder of 1,000 playbooks of 30 steps, as `firebreak lint FOLDER` does.
func BenchmarkLintFolder(b *testing.B) {
	const count = 1000
	root := playbookFolder(b, count)
	var said bytes.Buffer
	sys := system{
		stdin: bytes.NewReader(nil), stdout: &said, stderr: io.Discard, env: func(string) (string, bool) { return "", false },
	}
	for b.Loop() {
		if code := run(b.Context(), sys, []string{"lint", root}); code != exitOK {
			b.Fatalf("ended with %d: %s", code, said.String())
		}
	}
	b.ReportMetric(count*float64(b.N)/b.Elapsed().Seconds(), "playbooks/s")
}
