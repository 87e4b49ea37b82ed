package forensics

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/extract"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// taking takes files out of an image, one after another.
type taking struct {
	paper

	image  opened
	beside string // the image's own path in the case
	most   int64  // bytes of one file
	files  []ExtractedFile
	left   []string
	items  []custody.Item
}

func (t *taking) all(ctx context.Context, wanted []string) error {
	for n, p := range wanted {
		activities.Report(ctx, activities.Progress{Done: int64(n), Total: int64(len(wanted)), Unit: "files", Message: oneLine(p)})
		if err := t.one(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// one takes a path from every partition that has it.
func (t *taking) one(ctx context.Context, p string) error {
	found := false
	for _, v := range t.image.volumes {
		info, err := v.Lstat(p)
		if missing(err) {
			continue
		}
		found = true
		if err == nil {
			err = t.take(ctx, v, p, info)
		}
		var here *cannotTake
		switch {
		case errors.As(err, &here), info == nil && err != nil:
			t.leave(p, err)
		case err != nil:
			return err
		}
	}
	if !found {
		t.leave(p, fs.ErrNotExist)
	}
	return nil
}

func (t *taking) leave(p string, why error) {
	t.left = append(t.left, oneLine(fmt.Sprintf("%q: %s", "/"+p, why)))
}

// cannotTake is why the disk does not give a file; every other error is this machine's.
type cannotTake struct{ why error }

func (c *cannotTake) Error() string { return c.why.Error() }

func (c *cannotTake) Unwrap() error { return c.why }

func (t *taking) take(ctx context.Context, v image.Volume, p string, info fs.FileInfo) error {
	stat, ok := volume.StatOf(info)
	switch {
	case !ok || !info.Mode().IsRegular():
		return &cannotTake{fmt.Errorf("it is no regular file: %s", info.Mode().Type())}
	case stat.Size > t.most:
		return &cannotTake{fmt.Errorf("it has %d bytes, more than the %d that are taken", stat.Size, t.most)}
	}
	name := extractedName(t.beside, v.Part.Number, p)
	item, err := t.put(ctx, name, "extracted file", func(w io.Writer) error {
		f, err := volume.OpenFile(v.FS, info)
		if err != nil {
			return &cannotTake{err}
		}
		return copyWhole(ctx, w, f, stat.Size)
	})
	if err != nil {
		return err
	}
	t.items = append(t.items, item)
	t.files = append(t.files, ExtractedFile{
		Path: oneLine("/" + p), Partition: v.Part.Number, Evidence: item.Path, SHA256: item.SHA256, Size: item.Size,
		Mode: fmt.Sprintf("%04o", stat.Mode&0o7777), UID: stat.UID, GID: stat.GID, Modified: stat.Modified, Changed: stat.Changed, Created: stat.Created,
	})
	return nil
}

// copyWhole copies a file; one that ends early is none that was taken.
func copyWhole(ctx context.Context, to io.Writer, f volume.File, size int64) error {
	n, err := io.CopyBuffer(to, onlyDisk{untilDone{ctx, io.NewSectionReader(f, 0, size)}}, make([]byte, 256<<10))
	if err == nil && n < size {
		err = &cannotTake{fmt.Errorf("only %d of its %d bytes can be read", n, size)}
	}
	return err
}

// onlyDisk marks the errors of reading, so that those of writing the evidence stay this machine's.
type onlyDisk struct{ r untilDone }

func (o onlyDisk) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && o.r.ctx.Err() == nil {
		err = &cannotTake{err}
	}
	return n, err
}

// extractedName gives a file its place in the case: what is left of its own name to be recognized, after what tells its
// path from every other.
func extractedName(image string, partition int, p string) string {
	sum := sha256.Sum256([]byte(p))
	base := strings.ReplaceAll(extract.Name(path.Base(p)), "%", "~") // a name in a bag holds no percent sign
	return beside(image, fmt.Sprintf("files/%d-%s-%s", partition, hex.EncodeToString(sum[:8]), base[:min(len(base), 120)]))
}

// listing is files.json: whole paths, for those who read the evidence without Firebreak.
type listing struct {
	Image string          `json:"image"`
	Files []ExtractedFile `json:"files"`
	Left  []string        `json:"left"`
}

func (t *taking) output(ctx context.Context) (ExtractFilesOutput, error) {
	item, err := t.putJSON(ctx, beside(t.beside, "files.json"), "extracted files", listing{t.beside, t.files, append([]string{}, t.left...)})
	if err != nil {
		return ExtractFilesOutput{}, err
	}
	out := ExtractFilesOutput{Files: fit(t.files, listRoom), Left: warningsOf(t.left), Items: fit(append([]custody.Item{item}, t.items...), warningRoom)}
	out.Result = done("%s taken out of the image%s", count(len(t.files), "file"), more(len(t.files)-len(out.Files)))
	if len(t.left) > 0 {
		out.Summary += fmt.Sprintf("; %d not, see what is left", len(t.left))
	}
	return out, nil
}
