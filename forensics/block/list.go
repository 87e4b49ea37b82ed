package block

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
)

const (
	listAction = "ebs:ListSnapshotBlocks"
	gibibyte   = int64(1) << 30
	maxBlock   = 64 << 20 // a block larger than this is a mistake of the answer, not a block
)

// list reads every page of the listing.
func (s *Snapshot) list(ctx context.Context) error {
	var next *string
	for {
		page, err := s.listPage(ctx, &ebs.ListSnapshotBlocksInput{
			SnapshotId: &s.id, NextToken: next, MaxResults: &s.opts.PageSize,
		})
		if err != nil && next != nil && stalePage(err) {
			page, err = s.listOn(ctx)
		}
		if err != nil {
			return err
		}
		if err := s.measure(page); err != nil {
			return s.malformed(err)
		}
		if err := s.adopt(page.Blocks); err != nil {
			return s.malformed(err)
		}
		s.noteExpiry(page.ExpiryTime)
		if aws.ToString(page.NextToken) == "" {
			return nil
		}
		next = page.NextToken
	}
}

// listOn goes on behind the last block that was listed, without the token of its page, which has run out.
func (s *Snapshot) listOn(ctx context.Context) (*ebs.ListSnapshotBlocksOutput, error) {
	after := int32(0)
	if n := len(s.indexes); n > 0 {
		after = s.indexes[n-1] + 1
	}
	return s.listPage(ctx, &ebs.ListSnapshotBlocksInput{SnapshotId: &s.id, StartingBlockIndex: &after, MaxResults: &s.opts.PageSize})
}

// measure takes size and block size from a page; they cannot change from page to page.
func (s *Snapshot) measure(page *ebs.ListSnapshotBlocksOutput) error {
	blockSize, size := int(aws.ToInt32(page.BlockSize)), aws.ToInt64(page.VolumeSize)
	if blockSize < 512 || blockSize > maxBlock || size < 1 || size > 1<<20 {
		return fmt.Errorf("block size %d and volume size %d GiB make no sense", blockSize, size)
	}
	if s.blockSize != 0 && (s.blockSize != blockSize || s.size != size*gibibyte) {
		return errors.New("block size or volume size differ from page to page")
	}
	s.blockSize, s.size = blockSize, size*gibibyte
	return nil
}

func (s *Snapshot) noteExpiry(expires *time.Time) {
	if expires != nil && (s.expires.IsZero() || expires.Before(s.expires)) {
		s.expires = *expires
	}
}

func (s *Snapshot) listPage(ctx context.Context, in *ebs.ListSnapshotBlocksInput) (page *ebs.ListSnapshotBlocksOutput, err error) {
	err = s.retrying(ctx, -1, func(ctx context.Context) (err error) {
		page, err = s.client.ListSnapshotBlocks(ctx, in)
		return err
	})
	return page, s.apiError(listAction, err)
}

// renew lists the token of one block anew, and of those that come after it on the same page, unless somebody has done so
// since it was found stale.
func (s *Snapshot) renew(ctx context.Context, at int, stale string) error {
	s.renewal.Lock()
	defer s.renewal.Unlock()
	if s.token(at) != stale {
		return nil
	}
	s.tally.renewals.Add(1)
	page, err := s.listPage(ctx, &ebs.ListSnapshotBlocksInput{
		SnapshotId: &s.id, StartingBlockIndex: &s.indexes[at], MaxResults: &s.opts.PageSize,
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range page.Blocks {
		if i, ok := s.position(aws.ToInt32(b.BlockIndex)); ok && b.BlockToken != nil {
			s.tokens[i] = *b.BlockToken
		}
	}
	return nil
}

func (s *Snapshot) malformed(err error) error {
	return &APIError{Action: listAction, Snapshot: s.id, Reason: Refused, Err: err}
}

// apiError gives err its reason, once.
func (s *Snapshot) apiError(action string, err error) error {
	var known *APIError
	var corrupt *CorruptError
	if err == nil || errors.As(err, &known) || errors.As(err, &corrupt) || errors.Is(err, context.Canceled) {
		return err
	}
	failure := &APIError{Action: action, Snapshot: s.id, Reason: classify(err), Err: err}
	if failure.Reason == Missing && action != getAction {
		failure.Reason = NotFound
	}
	if failure.Reason == Throttled {
		failure.After = longestPause
	}
	return failure
}
