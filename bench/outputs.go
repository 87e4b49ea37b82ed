package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// eachLine calls do for every line of a file.
func eachLine(name string, do func([]byte)) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		do(lines.Bytes())
	}
	return lines.Err()
}

func countLines(name string) (n int, err error) {
	err = eachLine(name, func([]byte) { n++ })
	return n, err
}

// sortedLines gives the lines that are kept.
func sortedLines(name string, keep func([]byte) bool) ([]string, error) {
	var out []string
	err := eachLine(name, func(line []byte) {
		if keep(line) {
			out = append(out, string(line))
		}
	})
	slices.Sort(out)
	return out, err
}

func differ(theirs, ours []string) error {
	for i := range max(len(theirs), len(ours)) {
		var a, b string
		if i < len(theirs) {
			a = theirs[i]
		}
		if i < len(ours) {
			b = ours[i]
		}
		if a != b {
			return fmt.Errorf("line %d of %d and %d, sorted: theirs %q, ours %q", i, len(theirs), len(ours), a, b)
		}
	}
	return nil
}

// sameLines compares the lines of two files, whatever their order.
func sameLines(theirs, ours string) error {
	return sameKept(theirs, ours, func([]byte) bool { return true })
}

// sameBody leaves out what fls makes up and what was deleted, which no inventory lists.
func sameBody(theirs, ours string) error {
	return sameKept(theirs, ours, func(line []byte) bool {
		return !bytes.Contains(line, []byte(" (deleted")) && !bytes.HasPrefix(line, []byte("0|/$OrphanFiles|"))
	})
}

func sameKept(theirs, ours string, keep func([]byte) bool) error {
	a, err := sortedLines(theirs, keep)
	if err != nil {
		return err
	}
	b, err := sortedLines(ours, func([]byte) bool { return true })
	if err != nil {
		return err
	}
	return differ(a, b)
}

// sameCount compares how many regular files that are not empty were hashed: fiwalk knows no SHA-256, hashes directories
// too, and gives an empty file no digest.
func sameCount(theirs, ours string) error {
	hashed, regular := 0, false
	err := eachLine(theirs, func(line []byte) {
		switch line = bytes.TrimSpace(line); {
		case bytes.HasPrefix(line, []byte("<name_type>")):
			regular = bytes.Equal(line, []byte("<name_type>r</name_type>"))
		case regular && bytes.HasPrefix(line, []byte("<hashdigest type='sha1'>")):
			hashed++
		}
	})
	if err != nil {
		return err
	}
	mine, empty := 0, sha256.Sum256(nil)
	err = eachLine(ours, func(line []byte) {
		if !bytes.HasPrefix(line, hex.AppendEncode(nil, empty[:])) {
			mine++
		}
	})
	if err == nil && mine != hashed {
		err = fmt.Errorf("it hashed %d files, ours %d", hashed, mine)
	}
	return err
}

// memoryOf is the most memory that a process that has ended took, in bytes, or its parent when it was started.
func memoryOf(p *os.ProcessState) int64 {
	if usage, ok := p.SysUsage().(*syscall.Rusage); ok {
		return usage.Maxrss * 1024
	}
	return 0
}

// memoryFile is the environment variable that names the file into which a process of ours writes how much memory it took.
// The kernel's own count for a process that has ended begins with what its parent held when it was started.
const memoryFile = "FIREBREAK_BENCH_MEMORY"

// tellMemory writes the most memory that this process took, in bytes.
func tellMemory() error {
	name := os.Getenv(memoryFile)
	if name == "" {
		return nil
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(after, &kib); err != nil {
		return fmt.Errorf("the most memory taken: %w", err)
	}
	return os.WriteFile(name, []byte(strconv.FormatInt(kib*1024, 10)), 0o600)
}

// memoryIn reads what a process told.
func memoryIn(name string) (int64, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(text), 10, 64)
}

// used gives how many gigabytes of a sparse image hold something.
func used(image string) float64 {
	var st syscall.Stat_t
	if syscall.Stat(image, &st) != nil {
		return 0
	}
	return float64(st.Blocks) * 512 / 1e9
}

// killed kills the hashing of the disk three times on its way, goes on each time from the last whole line, and wants the
// bytes of a run that nobody killed.
func (c *contest) killed(ctx context.Context, _ string) ([]row, error) {
	whole, _, err := c.run(ctx, "ours", "/", c.ours("sha256"))
	if err != nil {
		return nil, err
	}
	want, err := os.ReadFile(whole)
	if err != nil {
		return nil, err
	}
	pieces := filepath.Join(c.work, "pieces.out")
	var got []byte
	kills := 0
	for _, part := range []int{1, 2, 3, 0} {
		argv := c.ours("sha256")
		if len(got) > 0 {
			argv = c.ours("sha256", cursorOf(got))
		}
		enough := len(want)/4*part - len(got)
		more, wasKilled, err := killAt(ctx, argv, pieces, enough, part == 0)
		if err != nil {
			return nil, err
		}
		if wasKilled {
			kills++
		}
		got = append(got, more[:bytes.LastIndexByte(more, '\n')+1]...)
	}
	holds := bytes.Equal(got, want) && kills == 3
	return []row{{
		what:  "a node's disk: hashing killed three times goes on and gives the same bytes",
		value: fmt.Sprintf("killed %d times, %d bytes of %d alike", kills, alike(got, want), len(want)), limit: "all", holds: holds,
	}}, nil
}

func alike(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// cursorOf is the path in the last line that sha256sum would write.
func cursorOf(out []byte) string {
	lines := bytes.Split(bytes.TrimSuffix(out, []byte("\n")), []byte("\n"))
	_, path, _ := bytes.Cut(lines[len(lines)-1], []byte("  ./"))
	return string(path)
}

// killAt kills a process when it has written so many bytes, and gives what it wrote.
func killAt(ctx context.Context, argv []string, file string, enough int, never bool) (out []byte, wasKilled bool, err error) {
	to, err := os.Create(file)
	if err != nil {
		return nil, false, err
	}
	defer to.Close()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = to, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, false, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for poll := time.NewTicker(5 * time.Millisecond); ; {
		select {
		case err = <-ended:
			poll.Stop()
			if wasKilled {
				err = nil
			}
			_, seek := to.Seek(0, io.SeekStart)
			out, read := io.ReadAll(to)
			return out, wasKilled, errors.Join(err, seek, read)
		case <-poll.C:
			if info, err := to.Stat(); err == nil && !never && !wasKilled && info.Size() >= int64(enough) {
				wasKilled = cmd.Process.Kill() == nil
			}
		}
	}
}
