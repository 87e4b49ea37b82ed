package forensics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/block"
)

// ReadSnapshotInput is the input of forensics.read_snapshot.
type ReadSnapshotInput struct {
	Snapshot      string `json:"snapshot" doc:"Id of the EBS snapshot"`
	Region        string `json:"region,omitempty" doc:"Its AWS region; the worker's own when empty"`
	AcceptCorrupt bool   `json:"acceptCorrupt,omitempty" doc:"Go on with holes where a block's checksum stays wrong; otherwise the step fails"`
}

// ReadSnapshotOutput is the output of forensics.read_snapshot.
type ReadSnapshotOutput struct {
	activities.Result

	Snapshot  string         `json:"snapshot" doc:"Id of the snapshot"`
	Image     string         `json:"image" doc:"The disk image's path inside the case"`
	Index     string         `json:"index" doc:"Path inside the case of the list of blocks, with checksums and ranges never read"`
	SHA256    string         `json:"sha256" doc:"SHA-256 of the image"`
	Linear    string         `json:"linear,omitempty" doc:"SHA-256 over the checksums of all blocks in order (AWS: LINEAR)"`
	Size      int64          `json:"size" doc:"Bytes of the image"`
	Blocks    int            `json:"blocks" doc:"Blocks that the snapshot holds; all others are zeros"`
	Read      int            `json:"read" doc:"Blocks read, each with the checksum that the API gave"`
	NeverRead int            `json:"neverRead" doc:"Ranges of blocks that could not be read; they are in the index"`
	Corrupt   []CorruptBlock `json:"corrupt,omitempty" doc:"The first blocks whose checksum stayed wrong"`
	Warnings  []string       `json:"warnings,omitempty" doc:"What a reader of the image must know"`
	Items     []custody.Item `json:"items" doc:"The evidence"`
}

// CorruptBlock is a block that is a hole in the image.
type CorruptBlock struct {
	Index  int32  `json:"index" doc:"The block's index"`
	Offset int64  `json:"offset" doc:"Its place on the disk, in bytes"`
	Want   string `json:"want" doc:"SHA-256 as the API gave it, in base64"`
	Got    string `json:"got" doc:"SHA-256 of what came"`
}

const maxCorrupt = 20 // in the output; all are in the index

// ReadSnapshot declares forensics.read_snapshot.
func ReadSnapshot(d Deps) activities.Definition {
	return activities.Define(activities.Activity[ReadSnapshotInput, ReadSnapshotOutput]{
		Name:        "forensics.read_snapshot",
		Summary:     "Reads an EBS snapshot into an image in the evidence, every block's checksum verified, without an instance or a mount.",
		Effect:      activities.Capture,
		Volatility:  activities.Disk,
		Place:       activities.OnAnalysis,
		Idempotency: "Goes on at the block where a former attempt stopped; the finished image is evidence and is written once for one key.",
		Permissions: []activities.Permission{
			{IAM: "ebs:ListSnapshotBlocks", Why: "to know which blocks the snapshot holds"},
			{IAM: "ebs:GetSnapshotBlock", Why: "to read them"},
			{IAM: "kms:Decrypt", Why: "to read the blocks of an encrypted snapshot, on its key"},
		},
		Timeout:   6 * time.Hour,
		Heartbeat: 15 * time.Second,
		Example: `id: read
phase: analyze
uses: forensics.read_snapshot
with: {snapshot: snap-0123456789abcdef0}
`,
		Run: snapshotReader{d}.run,
	})
}

type snapshotReader struct{ Deps }

var snapshotID = regexp.MustCompile(`^snap-[0-9a-f]{8,32}$`)

// names are the paths of one snapshot's evidence inside its case.
type names struct{ dir string }

func (n names) image() string   { return path.Join(n.dir, "image.raw") }
func (n names) index() string   { return path.Join(n.dir, "blocks.jsonl") }
func (n names) damage() string  { return path.Join(n.dir, "blocks-corrupt.jsonl") }
func (n names) summary() string { return path.Join(n.dir, "snapshot.json") }

func (r snapshotReader) run(ctx context.Context, call activities.Call, in ReadSnapshotInput) (ReadSnapshotOutput, error) {
	if !snapshotID.MatchString(in.Snapshot) {
		return ReadSnapshotOutput{}, activities.Invalid(fmt.Errorf("%q is not a snapshot id", in.Snapshot), "give an id such as snap-0123456789abcdef0")
	}
	n := names{dir: "data/" + in.Snapshot}
	if call.DryRun {
		return ReadSnapshotOutput{
			Result: would(n.image(), "read snapshot "+in.Snapshot), Snapshot: in.Snapshot, Image: n.image(), Index: n.index(), Items: []custody.Item{},
		}, nil
	}
	p, err := r.open(call)
	if err != nil {
		return ReadSnapshotOutput{}, err
	}
	scratch, err := p.c.Scratch(custody.By{Step: "read", Key: in.Snapshot})
	if err != nil {
		return ReadSnapshotOutput{}, err
	}
	release, err := alone(ctx, scratch)
	if err != nil {
		return ReadSnapshotOutput{}, err
	}
	defer release()
	if item, found, err := p.find(ctx, n.image()); err != nil || found {
		if err != nil {
			return ReadSnapshotOutput{}, err
		}
		return finish(ctx, p, n, scratch, item)
	}
	return r.read(ctx, p, n, scratch, in)
}

// read reads the snapshot into a directory of its own, which all attempts of all steps share that read it for the case: a
// step that takes holes goes on where the one before it gave up.
func (r snapshotReader) read(ctx context.Context, p paper, n names, scratch string, in ReadSnapshotInput) (ReadSnapshotOutput, error) {
	to := block.Target{Image: filepath.Join(scratch, "image.raw"), Index: filepath.Join(scratch, "blocks.jsonl")}
	if err := p.takeBack(to.Image); err != nil {
		return ReadSnapshotOutput{}, err
	}
	exported, err := r.export(ctx, in, to)
	if err != nil {
		return ReadSnapshotOutput{}, explain(err)
	}
	if len(exported.Corrupt) > 0 && !in.AcceptCorrupt {
		return ReadSnapshotOutput{}, refuse(ctx, p, n, to, exported)
	}
	if err := writeSynced(filepath.Join(scratch, "snapshot.json"), exported); err != nil {
		return ReadSnapshotOutput{}, err
	}
	own, err := p.ownImage()
	if err != nil {
		return ReadSnapshotOutput{}, err
	}
	if err := os.Rename(to.Image, own); err != nil {
		return ReadSnapshotOutput{}, fmt.Errorf("make the image this step's: %w", err)
	}
	image, err := p.c.Adopt(ctx, p.by, n.image(), "disk image", own)
	if err != nil {
		return ReadSnapshotOutput{}, writtenOnce(err)
	}
	return finish(ctx, p, n, scratch, image)
}

func (r snapshotReader) export(ctx context.Context, in ReadSnapshotInput, to block.Target) (block.Exported, error) {
	if r.EBS == nil {
		return block.Exported{}, errors.New("no client of the EBS direct APIs is configured for this worker")
	}
	client, err := r.EBS(ctx, in.Region)
	if err != nil {
		return block.Exported{}, err
	}
	snapshot, err := block.OpenSnapshot(ctx, client, in.Snapshot, r.Block)
	if err != nil {
		return block.Exported{}, err
	}
	return block.Export(ctx, snapshot, to, block.ExportOptions{Progress: func(done, total int64) {
		activities.Report(ctx, activities.Progress{Done: done, Total: total, Unit: "bytes", Message: "read " + in.Snapshot})
	}})
}

// ownImage is where a finished image lies while it becomes evidence.
func (p paper) ownImage() (string, error) {
	scratch, err := p.c.Scratch(p.by)
	return filepath.Join(scratch, "image.raw"), err
}

// takeBack brings an image back that an attempt before had finished and that did not become evidence.
func (p paper) takeBack(to string) error {
	own, err := p.ownImage()
	if err != nil {
		return err
	}
	if err := os.Rename(own, to); err != nil && !missing(err) {
		return fmt.Errorf("take a former attempt's image back: %w", err)
	}
	return nil
}

// writeSynced writes what a later attempt reads.
func writeSynced(name string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the summary: %w", err)
	}
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	_, err = f.Write(append(raw, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// finish puts the index and the summary beside an image that is evidence, unless an attempt before has done so.
func finish(ctx context.Context, p paper, n names, scratch string, image custody.Item) (ReadSnapshotOutput, error) {
	index, err := p.putFile(ctx, n.index(), "block index", filepath.Join(scratch, "blocks.jsonl"))
	if err != nil {
		return ReadSnapshotOutput{}, err
	}
	summary, err := p.putFile(ctx, n.summary(), "summary", filepath.Join(scratch, "snapshot.json"))
	if err != nil {
		return ReadSnapshotOutput{}, err
	}
	local, err := p.c.Path(n.summary())
	if err != nil {
		return ReadSnapshotOutput{}, err
	}
	raw, err := os.ReadFile(local)
	if err != nil {
		return ReadSnapshotOutput{}, fmt.Errorf("read the summary: %w", err)
	}
	var x block.Exported
	if err := json.Unmarshal(raw, &x); err != nil {
		return ReadSnapshotOutput{}, fmt.Errorf("decode the summary: %w", err)
	}
	return snapshotOutput(n, x, image, index, summary), nil
}

func snapshotOutput(n names, x block.Exported, items ...custody.Item) ReadSnapshotOutput {
	out := ReadSnapshotOutput{
		Result: done("read %d of %d blocks of %s (%d MiB of a disk of %d MiB), every checksum right", x.Read, x.Blocks, x.Snapshot,
			x.Bytes>>20, x.Size>>20),
		Snapshot: x.Snapshot, Image: n.image(), Index: n.index(), SHA256: items[0].SHA256, Linear: x.Linear, Size: x.Size,
		Blocks: x.Blocks, Read: x.Read, NeverRead: len(x.NeverRead), Items: items,
	}
	for i, c := range x.Corrupt {
		if i < maxCorrupt {
			out.Corrupt = append(out.Corrupt, CorruptBlock{c.Index, c.Offset, c.Want, c.Got})
		}
	}
	if len(x.Corrupt) > 0 {
		out.Summary = fmt.Sprintf("read %d of %d blocks of %s; %d are corrupt and are holes in the image", x.Read, x.Blocks, x.Snapshot, len(x.Corrupt))
		out.Warnings = append(out.Warnings, fmt.Sprintf("%d blocks did not match their checksum; %s lists them, and they read as zeros", len(x.Corrupt), n.index()))
	}
	return out
}
