package inventory_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/inventory"
)

const (
	childImage = "FIREBREAK_TEST_INVENTORY" // makes the test's own program list this image
	childAfter = "FIREBREAK_TEST_AFTER"     // from behind this cursor, in JSON
)

// TestChild is no test of its own: it is the process that TestKilled kills.
func TestChild(t *testing.T) {
	path := os.Getenv(childImage)
	if path == "" {
		return
	}
	opts := inventory.Options{Hash: true, Workers: 4}
	if after := os.Getenv(childAfter); after != "" {
		if err := json.Unmarshal([]byte(after), &opts.After); err != nil {
			t.Fatal(err)
		}
	}
	err := inventory.Scan(t.Context(), openDisk(t, path, image.Options{}), opts, func(e inventory.Entry) error {
		line, err := json.Marshal([]any{e.Cursor(), e})
		if err == nil {
			_, err = fmt.Fprintf(os.Stderr, "%s\n", line)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestKilled kills a process in the middle of its list, again and again, and goes on each time from the last whole line:
// the lines together are those of a process that nobody killed.
func TestKilled(t *testing.T) {
	path := makeImage(t, sourceTree(t), "64M")
	whole, _, _ := child(t, path, "", -1)
	var got []byte
	after, kills := "", 0
	for {
		lines, cursor, killed := child(t, path, after, 150)
		got = append(got, lines...)
		if !killed {
			break
		}
		after, kills = cursor, kills+1
	}
	if kills < 3 {
		t.Errorf("killed %d times only", kills)
	}
	if !bytes.Equal(got, whole) {
		t.Errorf("%d bytes in pieces, %d at once", len(got), len(whole))
	}
}

// child runs the list in a process of its own, which is killed when it has written so many lines. It gives the whole lines
// and the cursor of the last one.
func child(t testing.TB, path, after string, lines int) (out []byte, cursor string, killed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childImage+"="+path, childAfter+"="+after)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for read := bufio.NewReaderSize(stderr, 16); ; n++ {
		if n == lines {
			killed = cmd.Process.Kill() == nil
		}
		line, err := read.ReadBytes('\n')
		if err != nil {
			break // what is left is half a line
		}
		var both []json.RawMessage
		if err := json.Unmarshal(line, &both); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		out, cursor = append(out, line...), string(both[0])
	}
	if err := cmd.Wait(); err != nil && !killed {
		t.Fatalf("child: %v", err)
	}
	return out, cursor, killed && n >= lines
}
