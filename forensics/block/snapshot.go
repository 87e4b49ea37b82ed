package block

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
)

// Snapshot is an EBS snapshot whose blocks are listed and whose data is fetched on demand. It is safe for many
// goroutines. Blocks that the snapshot does not hold read as zeros, as on the volume.
type Snapshot struct {
	id     string
	client EBS
	opts   Options

	blockSize int
	size      int64
	indexes   []int32 // of the blocks it holds, ascending

	pace    *pacer
	slots   chan struct{} // one token for each block that is being fetched
	renewal sync.Mutex    // held while tokens or credentials are renewed
	renewed atomic.Int64  // credentials
	tally   tally

	mu      sync.Mutex // guards what follows
	tokens  []string   // by position in indexes
	expires time.Time
	retries int // still allowed
	read    []bool
}

// tally counts requests.
type tally struct {
	requests, answers, bytes, corrupt, throttled, failed, renewals atomic.Int64
}

// OpenSnapshot lists all blocks of a completed snapshot; no data is read yet. The error is an *APIError.
func OpenSnapshot(ctx context.Context, client EBS, snapshotID string, opts Options) (*Snapshot, error) {
	s := &Snapshot{id: snapshotID, client: client, opts: opts.withDefaults()}
	s.retries = s.opts.RetryBudget
	s.pace, s.slots = newPacer(s.opts.PerSecond, time.Now), make(chan struct{}, s.opts.Concurrency)
	if err := s.list(ctx); err != nil {
		return nil, err
	}
	s.read = make([]bool, len(s.indexes))
	return s, nil
}

// ID is the snapshot's id.
func (s *Snapshot) ID() string { return s.id }

// Size is the volume's length in bytes.
func (s *Snapshot) Size() int64 { return s.size }

// BlockSize is the length of one block in bytes.
func (s *Snapshot) BlockSize() int { return s.blockSize }

// Indexes gives the indexes of the blocks that the snapshot holds, ascending. The caller must not change them.
func (s *Snapshot) Indexes() []int32 { return s.indexes }

// position finds a block among those the snapshot holds.
func (s *Snapshot) position(index int32) (int, bool) {
	at := sort.Search(len(s.indexes), func(i int) bool { return s.indexes[i] >= index })
	return at, at < len(s.indexes) && s.indexes[at] == index
}

// holds tells a block that the snapshot holds.
func (s *Snapshot) holds(index int32) bool {
	_, held := s.position(index)
	return held
}

// adopt adds one page of the listing, which must continue the pages before it.
func (s *Snapshot) adopt(page []types.Block) error {
	blocks := s.size / int64(s.blockSize)
	for _, b := range page {
		if b.BlockIndex == nil || b.BlockToken == nil {
			return fmt.Errorf("list blocks of snapshot %q: a block has no index or no token", s.id)
		}
		index := *b.BlockIndex
		if index < 0 || int64(index) >= blocks {
			return fmt.Errorf("list blocks of snapshot %q: block %d lies outside its %d blocks", s.id, index, blocks)
		}
		if n := len(s.indexes); n > 0 && s.indexes[n-1] >= index {
			return fmt.Errorf("list blocks of snapshot %q: block %d comes after block %d", s.id, index, s.indexes[n-1])
		}
		s.indexes = append(s.indexes, index)
		s.tokens = append(s.tokens, *b.BlockToken)
	}
	return nil
}
