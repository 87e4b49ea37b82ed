package block

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
)

const changedAction = "ebs:ListChangedBlocks"

// ChangedSince lists the blocks in which this snapshot differs from an earlier one of the same volume, as ranges in the
// order of the disk. A block that only the earlier one holds reads as zeros now. The error is an *APIError.
func (s *Snapshot) ChangedSince(ctx context.Context, first string) ([]Range, error) {
	client, ok := s.client.(Comparer)
	if !ok {
		return nil, errors.New("list changed blocks: this client cannot compare snapshots")
	}
	c := comparison{snapshot: s, client: client, first: first, last: -1}
	in := &ebs.ListChangedBlocksInput{FirstSnapshotId: &first, SecondSnapshotId: &s.id, MaxResults: &s.opts.PageSize}
	for {
		page, err := c.page(ctx, in)
		if err != nil && in.NextToken != nil && stalePage(err) { // go on behind the last block, without the token
			in.NextToken, in.StartingBlockIndex = nil, aws.Int32(c.last+1)
			page, err = c.page(ctx, in)
		}
		if err != nil {
			return nil, err
		}
		if err := c.adopt(page); err != nil {
			return nil, &APIError{Action: changedAction, Snapshot: s.id, Reason: Refused, Err: err}
		}
		if aws.ToString(page.NextToken) == "" {
			return c.found, nil
		}
		in.NextToken = page.NextToken
	}
}

// comparison is a listing of changed blocks under way.
type comparison struct {
	snapshot *Snapshot
	client   Comparer
	first    string
	last     int32 // index of the block listed last
	found    []Range
}

func (c *comparison) page(ctx context.Context, in *ebs.ListChangedBlocksInput) (page *ebs.ListChangedBlocksOutput, err error) {
	err = c.snapshot.retrying(ctx, -1, func(ctx context.Context) (err error) {
		page, err = c.client.ListChangedBlocks(ctx, in)
		return err
	})
	return page, c.snapshot.apiError(changedAction, err)
}

// adopt adds one page, which must continue the pages before it.
func (c *comparison) adopt(page *ebs.ListChangedBlocksOutput) error {
	s := c.snapshot
	if size := int(aws.ToInt32(page.BlockSize)); size != s.blockSize {
		return fmt.Errorf("list changed blocks: blocks of %d bytes, the snapshot has blocks of %d", size, s.blockSize)
	}
	for _, b := range page.ChangedBlocks {
		if err := c.add(b); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) add(b types.ChangedBlock) error {
	index := aws.ToInt32(b.BlockIndex)
	blocks := c.snapshot.size / int64(c.snapshot.blockSize)
	if b.BlockIndex == nil || index <= c.last || int64(index) >= blocks {
		return fmt.Errorf("list changed blocks: block %d comes after block %d of %d", index, c.last, blocks)
	}
	c.last = index
	c.found = c.snapshot.extend(c.found, index)
	return nil
}
