package forensics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
)

const (
	maxFindings = 50 // of each severity
	maxWarned   = 100
)

// tally is what an output says of the list of changes.
type tally struct {
	total, alone, found int
	unread, unhashed    int
	unjudged            int
	warnings            []string // the first of those unread
	findings            [4][]Finding
}

// tallyOf reads the list out of the evidence, so that it is the same whatever attempt has made it.
func tallyOf(ctx context.Context, p paper, item custody.Item) (*tally, error) {
	local, err := p.c.Path(item.Path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(local)
	if err != nil {
		return nil, fmt.Errorf("read the list of changes: %w", err)
	}
	defer f.Close()
	t := &tally{}
	for d := json.NewDecoder(untilDone{ctx, f}); ; {
		var ch change
		err := d.Decode(&ch)
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the list of changes: %w", err)
		}
		t.add(ch)
	}
}

// severities begin with the worst.
func severities() []string { return []string{"critical", "high", "medium", "low"} }

func (t *tally) add(ch change) {
	if ch.Kind == lastwrites.Unread {
		if t.unread++; len(t.warnings) < maxWarned {
			t.warnings = append(t.warnings, oneLine("/"+ch.Path+": "+ch.Problem))
		}
		return
	}
	t.total++
	if ch.Alone {
		t.alone++
	}
	if ch.Problem != "" {
		t.unhashed++
	}
	if ch.Unjudged != "" {
		t.unjudged++
	}
	if rank := slices.Index(severities(), ch.Severity); rank >= 0 {
		if t.found++; len(t.findings[rank]) < maxFindings {
			t.findings[rank] = append(t.findings[rank], ch.finding())
		}
	}
}

// worst gives the findings that were kept, the worst first.
func (t *tally) worst() []Finding { return append([]Finding{}, slices.Concat(t.findings[:]...)...) }
