package block

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
)

const (
	getAction     = "ebs:GetSnapshotBlock"
	shortestPause = 100 * time.Millisecond
	longestPause  = 10 * time.Second
)

// errSilent is a call that was ended because it got no answer.
var errSilent = errors.New("no answer")

// Block is one block as it was fetched and checked.
type Block struct {
	Index    int32
	Offset   int64
	Data     []byte
	Checksum string // base64 SHA-256 as the API gave it, equal to that of Data
	Fetched  time.Time
}

// Fetch reads one block that the snapshot holds. A block that stays corrupt is a *CorruptError; every other failure of
// the service is an *UnreadableError, whose cause is an *APIError.
func (s *Snapshot) Fetch(ctx context.Context, index int32) (Block, error) {
	at, held := s.position(index)
	if !held {
		return Block{}, fmt.Errorf("snapshot %q holds no block %d", s.id, index)
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return Block{}, ctx.Err()
	}
	var block Block
	err := s.retrying(ctx, at, func(ctx context.Context) (err error) {
		block, err = s.fetchOnce(ctx, at)
		return err
	})
	if err != nil {
		return Block{}, s.placed(index, s.apiError(getAction, err))
	}
	s.tally.bytes.Add(int64(len(block.Data)))
	s.noteRead(at)
	return block, nil
}

func (s *Snapshot) noteRead(at int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read[at] = true
}

func (s *Snapshot) token(at int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens[at]
}

// placed says where on the disk the block lies that did not come.
func (s *Snapshot) placed(index int32, err error) error {
	var api *APIError
	if !errors.As(err, &api) {
		return err
	}
	return &UnreadableError{Snapshot: s.id, Index: index, Offset: int64(index) * int64(s.blockSize), Err: err}
}

// fetchOnce renews the block's token when it has run out, and then asks once more.
func (s *Snapshot) fetchOnce(ctx context.Context, at int) (Block, error) {
	token := s.token(at)
	block, err := s.get(ctx, at, token)
	if err == nil || !staleToken(err) {
		return block, err
	}
	if err := s.renew(ctx, at, token); err != nil {
		return Block{}, err
	}
	return s.get(ctx, at, s.token(at))
}

func (s *Snapshot) get(ctx context.Context, at int, token string) (Block, error) {
	if wait := s.pace.turn(); wait > 0 {
		if err := s.opts.Pause(ctx, wait); err != nil {
			return Block{}, err
		}
	}
	s.tally.requests.Add(1)
	answer, err := s.client.GetSnapshotBlock(ctx, &ebs.GetSnapshotBlockInput{
		SnapshotId: &s.id, BlockIndex: &s.indexes[at], BlockToken: &token,
	})
	if err != nil {
		return Block{}, err
	}
	defer answer.BlockData.Close()
	data := make([]byte, s.blockSize)
	n, err := io.ReadFull(answer.BlockData, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return Block{}, fmt.Errorf("read block %d: %w", s.indexes[at], err)
	}
	if promised := int(aws.ToInt32(answer.DataLength)); n < min(promised, s.blockSize) {
		return Block{}, fmt.Errorf("read block %d: only %d of %d bytes came: %w", s.indexes[at], n, promised, io.ErrUnexpectedEOF)
	}
	return s.checked(s.indexes[at], data[:n], answer)
}

// checked gives the block when its bytes are those that the checksum stands for.
func (s *Snapshot) checked(index int32, data []byte, answer *ebs.GetSnapshotBlockOutput) (Block, error) {
	sum := sha256.Sum256(data)
	b := Block{Index: index, Offset: int64(index) * int64(s.blockSize), Data: data,
		Checksum: aws.ToString(answer.Checksum), Fetched: s.opts.Clock()}
	corrupt := &CorruptError{Snapshot: s.id, Index: index, Offset: b.Offset, Want: b.Checksum,
		Got: base64.StdEncoding.EncodeToString(sum[:])}
	switch {
	case answer.ChecksumAlgorithm != types.ChecksumAlgorithmChecksumAlgorithmSha256:
		corrupt.Why = fmt.Sprintf("its checksum is of the unknown kind %q", answer.ChecksumAlgorithm)
	case len(data) != s.blockSize:
		corrupt.Why = fmt.Sprintf("%d bytes came instead of %d", len(data), s.blockSize)
	case corrupt.Got == corrupt.Want:
		return b, nil
	}
	return Block{}, corrupt
}

// retrying calls once and, while waiting may help, again. A service that throttles or fails is waited for with patience:
// what was read so far is worth more than a quick answer. What comes corrupt is asked for a few times. at is the position
// of the block that is asked for, -1 for a listing.
func (s *Snapshot) retrying(ctx context.Context, at int, call func(context.Context) error) error {
	t := trial{snapshot: s, at: at, answers: s.tally.answers.Load(), credentials: s.renewed.Load()}
	for {
		err := s.inTime(ctx, call)
		if err == nil {
			s.tally.answers.Add(1)
			s.pace.answered()
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if over := t.failed(ctx, err); over != nil {
			return over
		}
		if waiting := s.opts.Pause(ctx, t.backoff()); waiting != nil {
			return waiting
		}
	}
}

// inTime ends a call that gets no answer: its failure is the service's, and another call may help.
func (s *Snapshot) inTime(ctx context.Context, call func(context.Context) error) error {
	limited, stop := context.WithTimeout(ctx, s.opts.CallTime)
	defer stop()
	err := call(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return fmt.Errorf("%w within %s", errSilent, s.opts.CallTime)
	}
	return err
}

func isCorrupt(err error) bool {
	var corrupt *CorruptError
	return errors.As(err, &corrupt)
}

func (s *Snapshot) spendRetry() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retries--
	return s.retries >= 0
}
