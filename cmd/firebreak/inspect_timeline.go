package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/analysis"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/inventory"
	"github.com/firebreak-ir/firebreak/forensics/timeline"
)

const bodyForm = "bodyfile"

// showTimeline writes what happened in the order of time: for a person, as Timesketch's JSON lines, or as a body file.
func showTimeline(ctx context.Context, i *inspection, _ string) error {
	v, err := i.volume()
	if err != nil {
		return err
	}
	i.ahead(ctx)
	if i.flags.out.form == bodyForm {
		return i.bodyfile(ctx, v)
	}
	scratch, err := os.MkdirTemp("", "firebreak-timeline-")
	if err != nil {
		return err
	}
	return errors.Join(i.timeline(ctx, v, scratch), os.RemoveAll(scratch))
}

func (i *inspection) timeline(ctx context.Context, v image.Volume, scratch string) error {
	listing, err := i.containersOn(ctx, v)
	if err != nil {
		return err
	}
	actions, err := i.actions()
	if err != nil {
		return err
	}
	bar := i.progress("read", "entries")
	made, report, err := analysis.Timeline(ctx, v, analysis.TimelineOptions{
		Listing: listing, Actions: actions, Scratch: scratch,
		Filter: timeline.Filter{From: i.flags.since.Time, To: i.flags.until.Time, Containers: one(i.flags.container)},
		Scan:   inventory.Options{Hash: i.flags.hash, Progress: func(p inventory.Progress) { _ = bar.at(p.Entries, 0) }},
	})
	bar.end()
	if err != nil {
		return err
	}
	defer func() { _ = made.Close() }() // its directory goes as a whole
	for _, problem := range append(append(listing.Problems, report.Problems...), report.Logs.Problems...) {
		i.note("%s", problem)
	}
	if n := report.More + report.Logs.More; n > 0 {
		i.note("and %d more could not be read", n)
	}
	if i.flags.out.json() {
		return made.Timesketch(ctx, i.stdout)
	}
	return made.Timesketch(ctx, eventLines{i.stdout})
}

// one is a list of a word, or of none.
func one(word string) []string {
	if word == "" {
		return nil
	}
	return []string{word}
}

// bodyfile writes the body file of a file system, which has no logs and no containers in it.
func (i *inspection) bodyfile(ctx context.Context, v image.Volume) error {
	body, bar := timeline.NewBody(i.stdout, "/"), i.progress("read", "entries")
	scan := inventory.Options{Progress: func(p inventory.Progress) { _ = bar.at(p.Entries, 0) }}
	err := inventory.Scan(ctx, v.FS, scan, func(e inventory.Entry) error {
		if e.Problem != "" {
			i.note("%q: %s", "/"+e.Path, e.Problem)
		}
		return body.Add(e.Path, e.Target, &e.Stat)
	})
	bar.end()
	return errors.Join(err, body.Flush())
}

// actions are what the responder did, as the custody log of a case has it.
func (i *inspection) actions() ([]timeline.Action, error) {
	if i.flags.caseDir == "" {
		return nil, nil
	}
	dir, err := filepath.Abs(i.flags.caseDir)
	if err != nil {
		return nil, err
	}
	store, err := custody.Open(filepath.Dir(dir), i.now)
	if err != nil {
		return nil, err
	}
	c, err := store.Case(filepath.Base(dir))
	if err != nil {
		return nil, wrong(err)
	}
	entries, err := c.Log()
	if err != nil {
		return nil, wrong(err)
	}
	var out []timeline.Action
	for _, e := range entries {
		out = append(out, timeline.Action{Time: e.Time, What: actionWords(e), Who: "firebreak", Step: e.By.Step})
	}
	return out, nil
}

func actionWords(e custody.Entry) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Action, e.Item.Path, e.Text))
}

// eventLines writes Timesketch's lines for a person: each Write is one.
type eventLines struct{ to io.Writer }

func (l eventLines) Write(line []byte) (int, error) {
	var e struct {
		Datetime  string   `json:"datetime"`
		What      string   `json:"timestamp_desc"`
		Message   string   `json:"message"`
		Pod       string   `json:"pod"`
		Container string   `json:"container"`
		Tags      []string `json:"tag"`
	}
	if err := json.Unmarshal(bytes.TrimSpace(line), &e); err != nil {
		return 0, err
	}
	where := ""
	if e.Pod != "" || e.Container != "" {
		where = "  [" + strings.Trim(e.Pod+" "+e.Container, " ") + "]"
	}
	if len(e.Tags) > 0 {
		where += "  (" + strings.Join(e.Tags, ", ") + ")"
	}
	_, err := fmt.Fprintf(l.to, "%s  %s  %s%s\n", e.Datetime, safe(e.What), safe(e.Message), safe(where))
	return len(line), err
}
