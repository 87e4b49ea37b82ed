package forensics_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/forensics"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/block"
)

const blockSize = 512 << 10

// snapshotOf answers for a snapshot of so many blocks, one of which may be corrupt, and counts what is read.
type snapshotOf struct {
	blocks  int
	corrupt int32
	reads   atomic.Int32
	before  func() // called before each block
}

func (s *snapshotOf) ListSnapshotBlocks(context.Context, *ebs.ListSnapshotBlocksInput, ...func(*ebs.Options)) (*ebs.ListSnapshotBlocksOutput, error) {
	out := &ebs.ListSnapshotBlocksOutput{BlockSize: aws.Int32(blockSize), VolumeSize: aws.Int64(1)}
	for i := range s.blocks {
		out.Blocks = append(out.Blocks, types.Block{BlockIndex: aws.Int32(int32(i)), BlockToken: aws.String(fmt.Sprint(i))})
	}
	return out, nil
}

func (s *snapshotOf) GetSnapshotBlock(_ context.Context, in *ebs.GetSnapshotBlockInput, _ ...func(*ebs.Options)) (*ebs.GetSnapshotBlockOutput, error) {
	s.reads.Add(1)
	if s.before != nil {
		s.before()
	}
	data := bytes.Repeat([]byte{byte(*in.BlockIndex + 1)}, blockSize)
	sum := sha256.Sum256(data)
	if *in.BlockIndex == s.corrupt {
		data[0] ^= 1
	}
	return &ebs.GetSnapshotBlockOutput{
		BlockData: io.NopCloser(bytes.NewReader(data)), Checksum: aws.String(base64.StdEncoding.EncodeToString(sum[:])),
		ChecksumAlgorithm: types.ChecksumAlgorithmChecksumAlgorithmSha256, DataLength: aws.Int32(blockSize),
	}, nil
}

func (s *snapshotOf) deps(store *custody.Store) forensics.Deps {
	return forensics.Deps{
		Store: store,
		EBS:   func(context.Context, string) (block.EBS, error) { return s, nil },
		Block: block.Options{Attempts: 2, Concurrency: 2, Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
	}
}

// TestReadWithHoles is the way past a corrupt block that a playbook can take: a second step that takes holes goes on
// where the first one gave up, and writes the names that the first one left free.
func TestReadWithHoles(t *testing.T) {
	s := &snapshotOf{blocks: 30, corrupt: 7}
	read := forensics.ReadSnapshot(s.deps(newStore(t)))
	in := forensics.ReadSnapshotInput{Snapshot: "snap-0123456789abcdef0"}
	_, err := run[forensics.ReadSnapshotOutput](t, read, call("read"), in)
	if kindOf(err) != activities.Corrupt || !strings.Contains(err.Error(), "a step after this one that sets `acceptCorrupt: true`") {
		t.Fatal(err)
	}
	before := s.reads.Load()
	in.AcceptCorrupt = true
	out, err := run[forensics.ReadSnapshotOutput](t, read, call("read_with_holes"), in)
	if err != nil || out.Read != 29 || len(out.Corrupt) != 1 || len(out.Items) != 3 {
		t.Fatalf("%+v, %v", out, err)
	}
	if again := s.reads.Load() - before; again > 2 {
		t.Errorf("%d blocks were asked for once more", again)
	}
	before = s.reads.Load()
	if same, err := run[forensics.ReadSnapshotOutput](t, read, call("read_with_holes"), in); err != nil || fmt.Sprint(same) != fmt.Sprint(out) {
		t.Errorf("a second run differs: %+v, %v", same, err)
	}
	if _, err := run[forensics.ReadSnapshotOutput](t, read, call("third"), in); kindOf(err) != activities.Conflict {
		t.Errorf("a third step: %v", err)
	}
	if s.reads.Load() != before {
		t.Error("an image that is evidence was read once more")
	}
}

// TestTheKilledAttemptIsGoneOn reads on where a killed attempt stopped, also when it died while it made evidence.
func TestTheKilledAttemptIsGoneOn(t *testing.T) {
	store, in := newStore(t), forensics.ReadSnapshotInput{Snapshot: "snap-0123456789abcdef0"}
	s := &snapshotOf{blocks: 30, corrupt: -1}
	ctx, kill := context.WithCancel(t.Context())
	s.before = func() {
		if s.reads.Load() > 20 {
			kill()
		}
	}
	raw := []byte(`{"snapshot":"` + in.Snapshot + `"}`)
	if _, err := forensics.ReadSnapshot(s.deps(store)).Run(ctx, call("read"), raw); err == nil {
		t.Fatal("the killed attempt succeeded")
	}
	s.before = nil
	s.reads.Store(0)
	out, err := run[forensics.ReadSnapshotOutput](t, forensics.ReadSnapshot(s.deps(store)), call("read"), in)
	if err != nil || out.Read != 30 || s.reads.Load() > 20 {
		t.Errorf("%d blocks read again: %+v, %v", s.reads.Load(), out, err)
	}
}

// TestTwoAttempts keeps an attempt out while another one, of a worker that was taken for dead, still works.
func TestTwoAttempts(t *testing.T) {
	store := newStore(t)
	s := &snapshotOf{blocks: 10, corrupt: -1}
	wait, inside := make(chan struct{}), make(chan struct{}, 100)
	s.before = func() { inside <- struct{}{}; <-wait }
	first := make(chan error, 1)
	go func() {
		_, err := forensics.ReadSnapshot(s.deps(store)).Run(t.Context(), call("read"), []byte(`{"snapshot":"snap-0123456789abcdef0"}`))
		first <- err
	}()
	<-inside
	other := &snapshotOf{blocks: 10, corrupt: -1}
	time.AfterFunc(300*time.Millisecond, func() { close(wait) })
	out, err := run[forensics.ReadSnapshotOutput](t, forensics.ReadSnapshot(other.deps(store)), call("read"), forensics.ReadSnapshotInput{Snapshot: "snap-0123456789abcdef0"})
	if err != nil || out.Read != 10 || other.reads.Load() != 0 {
		t.Errorf("%d blocks read by the second attempt: %v", other.reads.Load(), err)
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
	c, err := store.Case(call("read").Case)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(c.Dir(), out.Image)); err != nil || info.Size() != 1<<30 {
		t.Errorf("%v, %v", info, err)
	}
}
