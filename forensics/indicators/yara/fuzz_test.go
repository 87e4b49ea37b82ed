package yara_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/indicators/yara"
)

// FuzzRules reads any text as rules and searches a small file with them: no panic, no endless loop, and whatever is no
// rule is said.
func FuzzRules(f *testing.F) {
	for _, pattern := range []string{"testdata/rules/*.yar", "testdata/problems/*.yar"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
			for line := range bytes.Lines(text) {
				f.Add(string(line))
			}
		}
	}
	content := samples()["mixed"]
	f.Fuzz(func(t *testing.T, text string) {
		begin := time.Now()
		rules, problems := yara.Compile(yara.Source{Name: "fuzz.yar", Text: text})
		for _, p := range problems {
			if p.Place.Line < 1 || p.Place.Column < 1 || p.Why == "" {
				t.Errorf("%#v", p)
			}
		}
		_, err := rules.Scan(t.Context(), bytes.NewReader(content), int64(len(content)), yara.Options{MaxSteps: 1 << 20, MaxOffsets: 1000})
		if err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// FuzzScan searches any file, whole and in pieces: the same is found, within the file.
func FuzzScan(f *testing.F) {
	var sources []yara.Source
	for _, name := range []string{"texts", "hex", "regex", "conditions"} {
		text, err := os.ReadFile("testdata/rules/" + name + ".yar")
		if err != nil {
			f.Fatal(err)
		}
		sources = append(sources, yara.Source{Name: name, Text: string(bytes.ReplaceAll(text, []byte("rule "), []byte("rule "+name+"_")))})
	}
	var rules []*yara.Rules
	for _, s := range sources {
		one, _ := yara.Compile(s) // what asks for a renamed rule is refused
		rules = append(rules, one)
	}
	for _, content := range samples() {
		f.Add(content, 7)
	}
	f.Fuzz(func(t *testing.T, content []byte, piece int) {
		opts := yara.Options{MaxSteps: 1 << 20}
		for _, r := range rules {
			whole, err := r.Scan(t.Context(), bytes.NewReader(content), int64(len(content)), opts)
			if err != nil {
				t.Fatal(err)
			}
			checkMatches(t, whole, len(content))
			if got := inPieces(t, r, content, piece, opts); !equal(whole, got) {
				t.Errorf("whole %+v\nin pieces of %d %+v", whole, piece, got)
			}
		}
	})
}
