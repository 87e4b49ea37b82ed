package forensics

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// AnalyzeSnapshotInput is the input of forensics.analyze_snapshot.
type AnalyzeSnapshotInput struct {
	Snapshot      string    `json:"snapshot" doc:"Id of the EBS snapshot"`
	Region        string    `json:"region,omitempty" doc:"Its AWS region; the worker's own when empty"`
	To            string    `json:"to,omitempty" doc:"Evidence store, file:// and the worker's own directory; the worker's own when empty"`
	Since         time.Time `json:"since,omitzero" default:"alert.time > timestamp('2000-01-01T00:00:00Z') ? alert.time - duration('1h') : run.now - duration('2h')" doc:"Files that changed at or after this time count; in a playbook an hour before the alert when left out"`
	AcceptCorrupt bool      `json:"acceptCorrupt,omitempty" doc:"Go on with holes where a block's checksum stays wrong; otherwise the step fails"`
}

// AnalyzeSnapshotOutput is the output of forensics.analyze_snapshot.
type AnalyzeSnapshotOutput struct {
	activities.Result

	Snapshot   string         `json:"snapshot" doc:"Id of the snapshot"`
	Image      string         `json:"image" doc:"The disk image's path inside the case"`
	SHA256     string         `json:"sha256" doc:"SHA-256 of the image"`
	Findings   []Finding      `json:"findings" doc:"What stands out, the worst first; all are in the evidence"`
	Found      int            `json:"found" doc:"How many findings there are in all"`
	Drift      int            `json:"drift" doc:"How many files containers added, changed, deleted, renamed or hid of their images; they are in the evidence"`
	Containers int            `json:"containers" doc:"How many containers the disk holds; they are in the evidence"`
	Journal    Journal        `json:"journal" doc:"What only the file system's journal held"`
	Warnings   []string       `json:"warnings,omitempty" doc:"What could not be read or compared, and where"`
	Items      []custody.Item `json:"items" doc:"The evidence"`
}

// AnalyzeSnapshot declares forensics.analyze_snapshot.
func AnalyzeSnapshot(d Deps) activities.Definition {
	return activities.Define(activities.Activity[AnalyzeSnapshotInput, AnalyzeSnapshotOutput]{
		Name: "forensics.analyze_snapshot",
		Summary: "Reads an EBS snapshot into the evidence, lists its containers and says what stands out among the files that changed: " +
			"forensics.read_snapshot, list_containers and last_writes in one step, with what containers changed of their images and a timeline.",
		Effect:      activities.Capture,
		Volatility:  activities.Disk,
		Place:       activities.OnAnalysis,
		Idempotency: "Goes on where a former attempt stopped; the image and both lists are evidence and are written once for one key.",
		Permissions: ReadSnapshot(d).Permissions,
		Timeout:     6 * time.Hour,
		Heartbeat:   15 * time.Second,
		Example: `id: read
phase: analyze
uses: forensics.analyze_snapshot
with: {snapshot: snap-0123456789abcdef0, since: "${{ alert.time - duration('10m') }}"}
`,
		Run: analyzer{d}.run,
	})
}

type analyzer struct{ Deps }

func (a analyzer) run(ctx context.Context, call activities.Call, in AnalyzeSnapshotInput) (AnalyzeSnapshotOutput, error) {
	if err := activities.CheckStore(a.Store, in.To); err != nil {
		return AnalyzeSnapshotOutput{}, err
	}
	disk, err := snapshotReader(a).run(ctx, call, ReadSnapshotInput{Snapshot: in.Snapshot, Region: in.Region, AcceptCorrupt: in.AcceptCorrupt})
	if err != nil {
		return AnalyzeSnapshotOutput{}, err
	}
	listed, err := containerLister(a).run(ctx, call, ImageInput{Image: disk.Image})
	if err != nil {
		return AnalyzeSnapshotOutput{}, fmt.Errorf("the image is in the evidence; list its containers: %w", err)
	}
	writes, err := lastWrites(a).run(ctx, call, LastWritesInput{Image: disk.Image, Since: in.Since})
	if err != nil {
		return AnalyzeSnapshotOutput{}, fmt.Errorf("the image is in the evidence; find what was written last: %w", err)
	}
	found := through{Findings: []Finding{}}
	if !call.DryRun && writes.Status == activities.Done {
		if found, err = a.lookThrough(ctx, call, disk, in.Since); err != nil {
			return AnalyzeSnapshotOutput{}, fmt.Errorf("the image is in the evidence: %w", err)
		}
	}
	return analyzed(disk, listed, writes, found), nil
}

func analyzed(disk ReadSnapshotOutput, listed ListContainersOutput, writes LastWritesOutput, found through) AnalyzeSnapshotOutput {
	out := AnalyzeSnapshotOutput{
		Snapshot: disk.Snapshot, Image: disk.Image, SHA256: disk.SHA256, Findings: fit(found.Findings, listRoom), Found: found.Found, Drift: found.Drift,
		Containers: listed.Total, Journal: writes.Journal, Items: slices.Concat(disk.Items, listed.Items, writes.Items, found.items),
	}
	out.Warnings = warningsOf(onlyOnce(slices.Concat(disk.Warnings, listed.Warnings, writes.Warnings, found.Warnings)))
	out.Status = writes.Status // skipped where nothing on the image can be read
	out.Summary = disk.Summary + "; " + listed.Summary
	if writes.Status == activities.Done {
		out.Summary += fmt.Sprintf("; %s of containers to their images, %s%s", count(found.Drift, "change"), count(found.Found, "finding"), more(found.Found-len(out.Findings)))
	}
	out.Would = append(append(append(out.Would, disk.Would...), listed.Would...), writes.Would...)
	return out
}

func onlyOnce(all []string) []string {
	seen, out := map[string]bool{}, []string{}
	for _, text := range all {
		if !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	return out
}
