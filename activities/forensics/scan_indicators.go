package forensics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/indicators"
)

// ScanIndicatorsInput is the input of forensics.scan_indicators.
type ScanIndicatorsInput struct {
	Image  string   `json:"image" doc:"The disk image's path inside the case, as forensics.read_snapshot gives it"`
	Hashes []string `json:"hashes,omitempty" doc:"SHA-256, SHA-1 or MD5 of files that are looked for, in hex"`
	Paths  []string `json:"paths,omitempty" doc:"Paths that are looked for: * and ? stand for parts of a name, ** for directories; one without a slash is a name"`
	YARA   string   `json:"yara,omitempty" doc:"YARA rules; modules such as pe are not known, and a rule that cannot be looked for fails the step"`
	Below  string   `json:"below,omitempty" doc:"Only what lies below this directory of the disk; all of it when left out"`
}

// ScanIndicatorsOutput is the output of forensics.scan_indicators.
type ScanIndicatorsOutput struct {
	activities.Result

	Hits     []IndicatorHit `json:"hits" doc:"The first files that were found; all are in the evidence"`
	Found    int            `json:"found" doc:"How many hits there are in all"`
	Files    int            `json:"files" doc:"Files that were searched"`
	Bytes    int64          `json:"bytes" doc:"Bytes that were read"`
	Warnings []string       `json:"warnings,omitempty" doc:"What was not searched, and why"`
	Items    []custody.Item `json:"items" doc:"The evidence"`
}

// IndicatorHit is one file that an indicator knows.
type IndicatorHit struct {
	Kind      string `json:"kind" doc:"hash, path or rule"`
	Indicator string `json:"indicator" doc:"The hash, path or rule"`
	Path      string `json:"path" doc:"On the disk"`
	Partition int    `json:"partition" doc:"The partition it lies in; zero is the whole disk"`
	Size      int64  `json:"size" doc:"Bytes"`
	SHA256    string `json:"sha256,omitempty" doc:"SHA-256 of the file, where hashes are looked for"`
}

// ScanIndicators declares forensics.scan_indicators.
func ScanIndicators(d Deps) activities.Definition {
	return activities.Define(activities.Activity[ScanIndicatorsInput, ScanIndicatorsOutput]{
		Name:        "forensics.scan_indicators",
		Summary:     "Searches a disk image for hashes, paths and YARA rules, every file read once, the file system's journal replayed.",
		Effect:      activities.Capture,
		Volatility:  activities.Disk,
		Place:       activities.OnAnalysis,
		Idempotency: "The same image and indicators give the same hits, which are evidence and are written once for one key.",
		Timeout:     6 * time.Hour,
		Heartbeat:   15 * time.Second,
		Example: `id: known
phase: analyze
uses: forensics.scan_indicators
with:
  image: data/snap-0123456789abcdef0/image.raw
  paths: ["/tmp/.*", "/var/tmp/.*/**"]
  yara: |
    rule miner { strings: $pool = "stratum+tcp://" condition: $pool }
`,
		Run: indicatorScanner{d}.run,
	})
}

type indicatorScanner struct{ Deps }

// set reads the indicators. One that cannot be looked for would be one that is not found.
func (in ScanIndicatorsInput) set() (indicators.Set, error) {
	set, problems, err := indicators.Load(indicators.Sources{
		Hashes: source("hashes", strings.Join(in.Hashes, "\n")), Paths: source("paths", strings.Join(in.Paths, "\n")), Rules: source("yara", in.YARA),
	})
	var errs []error
	for _, p := range problems {
		errs = append(errs, p)
	}
	switch {
	case err != nil || len(errs) > 0:
		return set, activities.Invalid(errors.Join(append(errs, err)...), "mend or remove what cannot be looked for")
	case set.Empty():
		return set, activities.Invalid(errors.New("nothing to look for"), "give hashes, paths or yara")
	}
	return set, nil
}

func source(name, text string) []indicators.Source {
	if text == "" {
		return nil
	}
	return []indicators.Source{{Name: name, Content: []byte(text + "\n")}}
}

func (s indicatorScanner) run(ctx context.Context, call activities.Call, in ScanIndicatorsInput) (ScanIndicatorsOutput, error) {
	set, err := in.set()
	below := strings.Trim(in.Below, "/")
	if err == nil && below != "" && !plainPath(below) {
		err = activities.Invalid(fmt.Errorf("%q is no directory of a disk", in.Below), "give it without . and .. in it")
	}
	if err != nil {
		return ScanIndicatorsOutput{}, err
	}
	if call.DryRun {
		return ScanIndicatorsOutput{Result: would(in.Image, "search the image for indicators"), Hits: []IndicatorHit{}, Items: []custody.Item{}}, nil
	}
	p, release, err := s.begin(ctx, call)
	if err != nil {
		return ScanIndicatorsOutput{}, err
	}
	defer release()
	opened, err := openImage(p, in.Image)
	if err != nil {
		return ScanIndicatorsOutput{}, err
	}
	defer opened.close()
	if len(opened.volumes) == 0 {
		return ScanIndicatorsOutput{Result: opened.nothing(), Hits: []IndicatorHit{}, Warnings: warningsOf(opened.damage()), Items: []custody.Item{}}, nil
	}
	item, err := p.put(ctx, beside(in.Image, "indicators.jsonl"), "indicators", func(w io.Writer) error {
		return scanAll(ctx, w, opened.volumes, set, below)
	})
	if err != nil {
		return ScanIndicatorsOutput{}, err
	}
	return scanned(ctx, p, opened, item)
}
