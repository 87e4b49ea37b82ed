package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/block"
)

// What AWS admits and how soon it answers, about.
const (
	blocksPerSecond = 1000
	leastMillis     = 5
	mostMillis      = 20
)

// benchSnapshot is the id under which the front serves the image.
const benchSnapshot = "snap-0bec0000000000001"

// snapshotRows measures containers and drift of a node's disk read from a snapshot, against the lab's front, which admits
// and delays as AWS does. What it finds is compared with what it finds in the image.
func snapshotRows(ctx context.Context, to io.Writer, program string) ([]row, error) {
	if os.Getuid() != 0 {
		return missing(to, "only root may make a node's disk"), nil
	}
	image, err := nodeDisks()[0].find(ctx, to)
	if err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "firebreak-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	endpoint, stop, err := serveImage(ctx, program, image, filepath.Join(work, "state"))
	if err != nil {
		return nil, err
	}
	defer stop()
	r := snapshotRun{ctx: ctx, work: work, endpoint: endpoint}
	rows, err := r.rows(image)
	for i := range rows {
		rows[i].store = nodeDisks()[0].kind
		fmt.Fprintln(to, rows[i])
	}
	return rows, err
}

const snapshotRounds = 3

func (r snapshotRun) rows(image string) ([]row, error) {
	want, err := r.run(image, "image")
	if err != nil {
		return nil, err
	}
	if err := r.warm(); err != nil {
		return nil, err
	}
	var took []time.Duration
	var last measured
	for i := range snapshotRounds {
		if last, err = r.run(benchSnapshot, fmt.Sprintf("kept-%d", i)); err != nil {
			return nil, err
		}
		if !bytes.Equal(want.found, last.found) {
			return nil, errors.New("the snapshot gives other containers or another drift than its image")
		}
		took = append(took, last.took)
	}
	again, err := r.run(benchSnapshot, fmt.Sprintf("kept-%d", snapshotRounds-1)) // as after a kill: what was kept is not fetched again
	if err != nil {
		return nil, err
	}
	return last.rows(middle(took), again), nil
}

// rows is what was measured, as lines of the table.
func (m measured) rows(took time.Duration, again measured) []row {
	share := 100 * float64(m.stats.Read) / float64(m.stats.Blocks)
	return []row{
		{what: "a snapshot: blocks read for containers and drift", value: fmt.Sprintf("%d of %d (%.1f %%)", m.stats.Read, m.stats.Blocks, share), limit: "≤ 8 %", holds: share <= 8},
		{what: "a snapshot: containers and drift at 1,000 requests a second", value: short(took), limit: "≤ 5 s", holds: took <= 5*time.Second},
		{what: "a snapshot: the same with the blocks kept by a run before", value: fmt.Sprintf("%s, %d requests", short(again.took), again.stats.Requests)},
		{what: "a snapshot: the most memory that it took", value: fmt.Sprintf("%d MB", m.peak/1e6), limit: "≤ 300 MB", holds: m.peak <= 300e6},
	}
}

// serveImage starts the lab's front with a snapshot of the image, and gives its address.
func serveImage(ctx context.Context, program, image, state string) (string, func(), error) {
	info, err := os.Stat(image)
	if err != nil {
		return "", nil, err
	}
	meta, err := json.Marshal(map[string]any{"id": benchSnapshot, "volume": "vol-0bec0000000000001", "gib": (info.Size() + 1<<30 - 1) >> 30, "image": true})
	if err := errors.Join(err, os.MkdirAll(state, 0o700), os.WriteFile(filepath.Join(state, benchSnapshot+".json"), meta, 0o600),
		os.Symlink(image, filepath.Join(state, benchSnapshot+".img"))); err != nil {
		return "", nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, program, "serve", "aws", "--upstream", "http://127.0.0.1:1", "--state", state, "--listen", address)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop := func() {
		_ = cmd.Process.Kill() // it holds nothing
		_ = cmd.Wait()
	}
	limit := fmt.Sprintf(`{"snapshot":%q,"perSecond":%d,"least":%d,"most":%d}`, benchSnapshot, blocksPerSecond, leastMillis, mostMillis)
	for range 100 {
		if err = post(ctx, "http://"+address+"/_lab/limits", limit); err == nil {
			return "http://" + address, stop, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return "", nil, fmt.Errorf("the front does not answer: %w", err)
}

func post(ctx context.Context, to, body string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		return errors.New(answer.Status)
	}
	return nil
}

// snapshotRun runs the analysis as a process of its own, whose memory is measured.
type snapshotRun struct {
	ctx            context.Context
	work, endpoint string
}

// measured is what one run gave.
type measured struct {
	found []byte
	stats block.Stats
	took  time.Duration
	peak  int64
}

func (r snapshotRun) run(disk, keep string) (measured, error) {
	self, err := os.Executable()
	if err != nil {
		return measured{}, err
	}
	var found, told bytes.Buffer
	cmd := exec.CommandContext(r.ctx, self, "drift", disk, filepath.Join(r.work, keep))
	cmd.Stdout, cmd.Stderr = &found, &told
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+r.endpoint, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return measured{}, fmt.Errorf("drift of %s: %w: %s", disk, err, told.String())
	}
	out := measured{found: found.Bytes(), took: time.Since(began), peak: memoryOf(cmd.ProcessState)}
	return out, json.Unmarshal(told.Bytes(), &out.stats)
}

// warm lets the front list the snapshot's blocks once: it looks for zeros in the whole image then, which AWS does not.
func (r snapshotRun) warm() error {
	answer, err := http.NewRequestWithContext(r.ctx, http.MethodGet, r.endpoint+"/snapshots/"+benchSnapshot+"/blocks?maxResults=100", nil)
	if err != nil {
		return err
	}
	answer.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/ebs/aws4_request, SignedHeaders=host, Signature=0")
	got, err := http.DefaultClient.Do(answer)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	_, err = io.Copy(io.Discard, got.Body)
	return err
}
