package block

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
	"github.com/aws/smithy-go"
)

// service answers for a snapshot of so many blocks; trouble says what becomes of a call.
type service struct {
	blocks  int
	trouble func(ctx context.Context, action string, call int) error
	cut     func(call int) int // bytes that are missing from the answer to a call for a block; nil: none

	mu    sync.Mutex
	calls map[string]int
}

func (s *service) call(ctx context.Context, action string) error {
	s.mu.Lock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[action]++
	n := s.calls[action]
	s.mu.Unlock()
	return s.trouble(ctx, action, n)
}

func (s *service) ListSnapshotBlocks(ctx context.Context, _ *ebs.ListSnapshotBlocksInput, _ ...func(*ebs.Options)) (*ebs.ListSnapshotBlocksOutput, error) {
	if err := s.call(ctx, listAction); err != nil {
		return nil, err
	}
	out := &ebs.ListSnapshotBlocksOutput{BlockSize: aws.Int32(testBlock), VolumeSize: aws.Int64(1)}
	for i := range s.blocks {
		out.Blocks = append(out.Blocks, types.Block{BlockIndex: aws.Int32(int32(i)), BlockToken: aws.String(fmt.Sprint(i))})
	}
	return out, nil
}

func (s *service) GetSnapshotBlock(ctx context.Context, in *ebs.GetSnapshotBlockInput, _ ...func(*ebs.Options)) (*ebs.GetSnapshotBlockOutput, error) {
	if err := s.call(ctx, getAction); err != nil {
		return nil, err
	}
	data := bytes.Repeat([]byte{byte(*in.BlockIndex + 1)}, testBlock)
	sum := sha256.Sum256(data)
	if s.cut != nil {
		data = data[:len(data)-s.cut(s.calls[getAction])]
	}
	return &ebs.GetSnapshotBlockOutput{
		BlockData: io.NopCloser(bytes.NewReader(data)), Checksum: aws.String(base64.StdEncoding.EncodeToString(sum[:])),
		ChecksumAlgorithm: types.ChecksumAlgorithmChecksumAlgorithmSha256, DataLength: aws.Int32(testBlock),
	}, nil
}

// export reads the whole snapshot, with pauses that take no time.
func (s *service) export(t *testing.T, opts Options) (Exported, error) {
	t.Helper()
	opts.Pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	snapshot, err := OpenSnapshot(t.Context(), s, "snap-00000000000000001", opts)
	if err != nil {
		return Exported{}, err
	}
	dir := t.TempDir()
	return Export(t.Context(), snapshot, Target{Image: filepath.Join(dir, "image"), Index: filepath.Join(dir, "index")}, ExportOptions{})
}

func throttled() error {
	return &smithy.GenericAPIError{Code: "ThrottlingException", Message: "slow down"}
}

// TestThrottlingIsWaitedOut reads on after minutes in which the service refuses, without an attempt of the caller.
func TestThrottlingIsWaitedOut(t *testing.T) {
	for name, trouble := range map[string]error{"throttled": throttled(), "unreachable": errors.New("connection reset")} {
		s := &service{blocks: 20, trouble: func(_ context.Context, _ string, call int) error {
			if call%40 != 0 { // 39 of 40 calls
				return trouble
			}
			return nil
		}}
		if x, err := s.export(t, Options{RetryBudget: 10}); err != nil || x.Read != 20 {
			t.Errorf("%s: %+v, %v", name, x, err)
		}
	}
}

// TestPatienceEnds gives the call up when the service never answers, and says why.
func TestPatienceEnds(t *testing.T) {
	s := &service{blocks: 1, trouble: func(context.Context, string, int) error { return throttled() }}
	_, err := s.export(t, Options{Patience: time.Minute})
	var api *APIError
	if !errors.As(err, &api) || api.Reason != Throttled || s.calls[listAction] > 30 {
		t.Errorf("%d calls, %v", s.calls[listAction], err)
	}
}

// TestCutShort takes a block that did not come whole for the network's failure: it is waited out, and never called corrupt.
func TestCutShort(t *testing.T) {
	sound := func(context.Context, string, int) error { return nil }
	s := &service{blocks: 1, trouble: sound, cut: func(call int) int { return max(0, 8-call) }}
	if x, err := s.export(t, Options{Attempts: 2, RetryBudget: 1}); err != nil || x.Read != 1 || len(x.Corrupt) != 0 {
		t.Errorf("%+v, %v", x, err)
	}
	s = &service{blocks: 1, trouble: sound, cut: func(int) int { return 1 }}
	_, err := s.export(t, Options{Patience: time.Second})
	var api *APIError
	if !errors.As(err, &api) || api.Reason != Failing {
		t.Errorf("always cut short: %v", err)
	}
}

// TestNetworkTimeout asks again where the network's own time ran out, which looks like the end of the caller's.
func TestNetworkTimeout(t *testing.T) {
	s := &service{blocks: 3, trouble: func(_ context.Context, _ string, call int) error {
		if call > 1 {
			return nil
		}
		return fmt.Errorf("read tcp: i/o timeout: %w", context.DeadlineExceeded)
	}}
	if x, err := s.export(t, Options{}); err != nil || x.Read != 3 {
		t.Errorf("%+v, %v", x, err)
	}
}

// TestSilentService counts the time that calls were silent against the patience, so that it ends.
func TestSilentService(t *testing.T) {
	s := &service{blocks: 1, trouble: func(ctx context.Context, _ string, _ int) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	_, err := s.export(t, Options{CallTime: 300 * time.Millisecond, Patience: 900 * time.Millisecond})
	if err == nil || s.calls[listAction] > 4 {
		t.Errorf("%d calls, %v", s.calls[listAction], err)
	}
}

// TestHangingCall asks again where a call gets no answer.
func TestHangingCall(t *testing.T) {
	s := &service{blocks: 3, trouble: func(ctx context.Context, action string, call int) error {
		if call > 1 {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}}
	if x, err := s.export(t, Options{CallTime: 20 * time.Millisecond}); err != nil || x.Read != 3 {
		t.Errorf("%+v, %v", x, err)
	}
}
