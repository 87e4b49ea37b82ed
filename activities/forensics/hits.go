package forensics

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/indicators"
)

// hitLine is one line of indicators.jsonl; the last of a file system holds its summary.
type hitLine struct {
	Partition int `json:"partition"`
	*indicators.Hit
	Summary *indicators.Summary `json:"summary,omitempty"`
}

func scanAll(ctx context.Context, w io.Writer, volumes []image.Volume, set indicators.Set, below string) error {
	buffered := bufio.NewWriterSize(w, 64<<10)
	lines := json.NewEncoder(buffered)
	lines.SetEscapeHTML(false)
	if below == "" {
		below = "."
	}
	for _, v := range volumes {
		if _, err := v.Lstat(below); missing(err) {
			continue
		}
		files := int64(0)
		name := func(p string) string { // asked for each file: there is the place to say how far the search is
			if files++; files%256 == 0 {
				activities.Report(ctx, activities.Progress{Done: files, Unit: "files", Message: oneLine(p)})
			}
			return "/" + p
		}
		summary, err := set.Scan(ctx, v.FS, below, indicators.Options{Name: name}, func(h indicators.Hit) error {
			return lines.Encode(hitLine{Partition: v.Part.Number, Hit: &h})
		})
		if err := errors.Join(err, lines.Encode(hitLine{Partition: v.Part.Number, Summary: &summary})); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// scanned reads the hits out of the evidence, so that they are the same whatever attempt has made them.
func scanned(ctx context.Context, p paper, opened opened, item custody.Item) (ScanIndicatorsOutput, error) {
	local, err := p.c.Path(item.Path)
	if err != nil {
		return ScanIndicatorsOutput{}, err
	}
	f, err := os.Open(local)
	if err != nil {
		return ScanIndicatorsOutput{}, fmt.Errorf("read the hits: %w", err)
	}
	defer f.Close()
	out := ScanIndicatorsOutput{Hits: []IndicatorHit{}, Items: []custody.Item{item}}
	warnings, unread := opened.damage(), 0
	for d := json.NewDecoder(untilDone{ctx, f}); ; {
		var line hitLine
		err := d.Decode(&line)
		switch {
		case errors.Is(err, io.EOF):
			out.Hits, out.Warnings = fit(out.Hits, listRoom), fitTexts(warnings, len(warnings)+max(unread-maxWarned, 0), warningRoom)
			out.Result = done("%s in %s%s%s", count(out.Found, "hit"), count(out.Files, "file"), more(out.Found-len(out.Hits)), opened.missed())
			return out, nil
		case err != nil:
			return ScanIndicatorsOutput{}, fmt.Errorf("read the hits: %w", err)
		case line.Summary != nil:
			out.Files, out.Bytes = out.Files+line.Summary.Files, out.Bytes+line.Summary.Bytes
		case line.Hit == nil:
		case line.Kind == indicators.Unread || line.Kind == indicators.Undecided:
			if unread++; unread <= maxWarned {
				warnings = append(warnings, oneLine(line.Path+": "+line.Problem))
			}
		default:
			if out.Found++; len(out.Hits) < maxFindings*4 {
				out.Hits = append(out.Hits, indicatorHit(line))
			}
		}
	}
}

func indicatorHit(line hitLine) IndicatorHit {
	what := line.Indicator
	if line.Match != nil {
		what = line.Match.Rule
	}
	return IndicatorHit{Kind: string(line.Kind), Indicator: oneLine(what), Path: oneLine(line.Path), Partition: line.Partition, Size: line.Size, SHA256: line.SHA256}
}
