package forensics

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// ExtractFilesInput is the input of forensics.extract_files.
type ExtractFilesInput struct {
	Image        string    `json:"image" doc:"The disk image's path inside the case, as forensics.read_snapshot gives it"`
	Paths        []string  `json:"paths,omitempty" doc:"Paths on the disk, each of one regular file; no patterns, no links followed"`
	Findings     []Finding `json:"findings,omitempty" doc:"Findings whose files are taken as well"`
	MaxFileBytes int64     `json:"maxFileBytes,omitempty" doc:"A larger file is left; 256 MiB when left out"`
}

// ExtractFilesOutput is the output of forensics.extract_files.
type ExtractFilesOutput struct {
	activities.Result

	Files []ExtractedFile `json:"files" doc:"The files that were taken, in the order they were asked for"`
	Left  []string        `json:"left,omitempty" doc:"What was not taken, and why"`
	Items []custody.Item  `json:"items" doc:"The evidence: the files, and files.json which describes them"`
}

// ExtractedFile is one file of the disk that is evidence of its own.
type ExtractedFile struct {
	Path      string    `json:"path" doc:"On the disk"`
	Partition int       `json:"partition" doc:"The partition it lies in; zero is the whole disk"`
	Evidence  string    `json:"evidence" doc:"Its path inside the case"`
	SHA256    string    `json:"sha256" doc:"SHA-256 of its bytes"`
	Size      int64     `json:"size" doc:"Bytes"`
	Mode      string    `json:"mode" doc:"Its permissions on the disk; here it can be read and not run"`
	UID       uint32    `json:"uid" doc:"Its owner"`
	GID       uint32    `json:"gid" doc:"Its group"`
	Modified  time.Time `json:"modified,omitzero" doc:"When its content last changed"`
	Changed   time.Time `json:"changed,omitzero" doc:"When its inode last changed"`
	Created   time.Time `json:"created,omitzero" doc:"When it was made, where the file system says"`
}

// ExtractFiles declares forensics.extract_files.
func ExtractFiles(d Deps) activities.Definition {
	return activities.Define(activities.Activity[ExtractFilesInput, ExtractFilesOutput]{
		Name:        "forensics.extract_files",
		Summary:     "Takes single files out of a disk image, such as those of findings, each as evidence of its own with its owner, mode and times.",
		Effect:      activities.Capture,
		Volatility:  activities.Disk,
		Place:       activities.OnAnalysis,
		Idempotency: "The same image gives the same files; each is evidence and is written once for one key.",
		Timeout:     time.Hour,
		Heartbeat:   15 * time.Second,
		Example: `id: dropped
phase: analyze
uses: forensics.extract_files
with:
  image: data/snap-0123456789abcdef0/image.raw
  paths: [/etc/cron.d/refresh, /usr/local/bin/kworkerd]
`,
		Run: fileExtractor{d}.run,
	})
}

type fileExtractor struct{ Deps }

const (
	maxExtracted     = 200 // files of one call; each is an entry in the custody log
	maxExtractedFile = 256 << 20
)

func (x fileExtractor) run(ctx context.Context, call activities.Call, in ExtractFilesInput) (ExtractFilesOutput, error) {
	wanted, err := in.wanted()
	if err != nil {
		return ExtractFilesOutput{}, err
	}
	if call.DryRun {
		return ExtractFilesOutput{
			Result: would(in.Image, fmt.Sprintf("take %s out of the image", count(len(wanted), "file"))), Files: []ExtractedFile{}, Items: []custody.Item{},
		}, nil
	}
	p, release, err := x.begin(ctx, call)
	if err != nil {
		return ExtractFilesOutput{}, err
	}
	defer release()
	image, err := openImage(p, in.Image)
	if err != nil {
		return ExtractFilesOutput{}, err
	}
	defer image.close()
	if len(image.volumes) == 0 {
		return ExtractFilesOutput{Result: image.nothing(), Files: []ExtractedFile{}, Left: warningsOf(image.damage()), Items: []custody.Item{}}, nil
	}
	t := &taking{paper: p, image: image, beside: in.Image, most: in.most(), files: []ExtractedFile{}}
	if err := t.all(ctx, wanted); err != nil {
		return ExtractFilesOutput{}, err
	}
	return t.output(ctx)
}

func (in ExtractFilesInput) most() int64 {
	if in.MaxFileBytes <= 0 {
		return maxExtractedFile
	}
	return in.MaxFileBytes
}

// wanted are the paths asked for, as the disk knows them, each once.
func (in ExtractFilesInput) wanted() ([]string, error) {
	all, seen := []string{}, map[string]bool{}
	add := func(p string) error {
		name := strings.TrimPrefix(p, "/")
		if !plainPath(name) {
			return activities.Invalid(fmt.Errorf("path %q is none of one file, which is written without empty parts and without . or .. in it", p), "give the path as the disk has it")
		}
		if !seen[name] {
			seen[name] = true
			all = append(all, name)
		}
		return nil
	}
	for _, p := range in.Paths {
		if err := add(p); err != nil {
			return nil, err
		}
	}
	for _, f := range in.Findings {
		if err := add(f.Path); err != nil {
			return nil, err
		}
	}
	if len(all) > maxExtracted {
		return nil, activities.Invalid(fmt.Errorf("%d files are more than the %d that one step takes", len(all), maxExtracted), "take them in several steps, or export the container")
	}
	return all, nil
}

// plainPath is fs.ValidPath for names that need not be UTF-8.
func plainPath(p string) bool { return p != "." && fs.ValidPath(strings.ToValidUTF8(p, "x")) }
