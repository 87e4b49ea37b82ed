package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/inventory"
	"github.com/firebreak-ir/firebreak/forensics/timeline"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// oursOf is the analysis as a process of its own, like its peers: the inventory of an image as a bodyfile, or its hashes as
// sha256sum writes them.
func oursOf(ctx context.Context, args []string, out io.Writer) error {
	if len(args) < 2 {
		return errors.New("usage: bench ours bodyfile|find|sha256 IMAGE [CURSOR]")
	}
	f, err := os.Open(args[1])
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	disk, err := image.Open(io.NewSectionReader(f, 0, info.Size()), image.Options{})
	if err != nil {
		return err
	}
	if len(disk.Volumes) != 1 {
		return fmt.Errorf("%d file systems on the image; one is measured", len(disk.Volumes))
	}
	opts := inventory.Options{Hash: args[0] == "sha256"}
	if len(args) > 2 {
		opts.After = args[2]
	}
	format := map[string]func([]byte, inventory.Entry) []byte{"bodyfile": appendBody, "find": appendFound, "sha256": appendSum}[args[0]]
	if format == nil {
		return fmt.Errorf("unknown list %q", args[0])
	}
	return errors.Join(list(ctx, disk.Volumes[0].FS, opts, format, out), tellMemory())
}

// list writes the entries, each line of them whole: a process that is killed leaves one that is cut at most.
func list(ctx context.Context, disk volume.FS, opts inventory.Options, format func([]byte, inventory.Entry) []byte, out io.Writer) error {
	buffered := bufio.NewWriterSize(out, 256<<10)
	line, problems := []byte(nil), 0
	err := inventory.Scan(ctx, disk, opts, func(e inventory.Entry) error {
		if e.Problem != "" {
			problems++
			fmt.Fprintf(os.Stderr, "%q: %s\n", e.Path, e.Problem)
		}
		line = format(line[:0], e)
		_, err := buffered.Write(line)
		return err
	})
	if problems > 0 {
		err = errors.Join(err, fmt.Errorf("%d entries have a problem", problems))
	}
	return errors.Join(err, buffered.Flush())
}

// appendSum appends a line as sha256sum writes it, or none.
func appendSum(b []byte, e inventory.Entry) []byte {
	if e.SHA256 == "" {
		return b
	}
	b = append(append(b, e.SHA256...), "  ./"...)
	return append(append(b, e.Path...), '\n')
}

// appendBody appends a line as fls writes it, which lists what is in the root.
func appendBody(b []byte, e inventory.Entry) []byte {
	if e.Path == "." {
		return b
	}
	return timeline.AppendBody(b, "/", e.Path, e.Target, &e.Stat)
}

// appendFound appends a line as find writes it with the format that it is given.
func appendFound(b []byte, e inventory.Entry) []byte {
	if e.Path == "." {
		return b
	}
	s := &e.Stat
	b = append(b, e.Path...)
	b = strconv.AppendUint(append(b, '|'), s.Inode, 10)
	b = strconv.AppendUint(append(b, '|'), uint64(s.Mode&0o7777), 8)
	for _, n := range []int64{int64(s.UID), int64(s.GID), s.Size} {
		b = strconv.AppendInt(append(b, '|'), n, 10)
	}
	for _, t := range []time.Time{s.Accessed, s.Modified, s.Changed} {
		b = strconv.AppendInt(append(b, '|'), t.Unix(), 10)
		b = append(b, '.')
		b = append(b, strconv.Itoa(1_000_000_000 + t.Nanosecond())[1:]...)
		b = append(b, '0') // find writes ten digits
	}
	return append(b, '\n')
}
