package aws

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/firebreak-ir/firebreak/activities"
)

const (
	shortestPoll   = time.Second
	longestPoll    = 15 * time.Second
	visibleWithin  = 20 * time.Second // EC2 shows to everyone what was made this long ago
	longestSilence = 20 * time.Minute // without an answer from EC2, then the attempt ends
)

// lookAgain looks until the set shows or must have shown.
func (s *set) lookAgain(ctx context.Context) error {
	poll := poller{}
	for poll.waited < visibleWithin && len(s.found) == 0 {
		if err := poll.pause(ctx); err != nil {
			return err
		}
		activities.Report(ctx, cursor{Creating: true}.progress("looking for the snapshots of the attempt before"))
		found, err := s.ask(ctx)
		if err != nil {
			return err
		}
		s.found = found
	}
	return nil
}

// ask describes the set, and asks again while EC2 throttles or does not answer: a set that takes hours must not lose an
// attempt to each of its bad minutes.
func (s *set) ask(ctx context.Context) ([]types.Snapshot, error) {
	for silence := (poller{}); ; {
		found, err := s.describe(ctx)
		if err == nil || !mayPass(ctx, err) || silence.waited >= longestSilence {
			return found, err
		}
		p := cursor{Creating: true}.progress(fmt.Sprintf("no answer for %s, asking again: %v", silence.waited, err))
		p.Done = s.percent()
		activities.Report(ctx, p)
		if err := silence.pause(ctx); err != nil {
			return nil, err
		}
	}
}

// mayPass tells what time may mend: throttling, a broken connection, an error on EC2's side.
func mayPass(ctx context.Context, err error) bool {
	_, permanent := activities.KindOf(err)
	return !permanent && ctx.Err() == nil
}

// wait returns when every snapshot of the set is complete.
func (s *set) wait(ctx context.Context) error {
	poll := poller{}
	for {
		missing, err := s.refresh(ctx)
		if err != nil {
			return err
		}
		missing = append(missing, s.uncovered()...)
		done, err := s.progress(ctx)
		if err != nil || done && len(missing) == 0 {
			return err
		}
		if len(missing) > 0 && poll.waited >= visibleWithin {
			return activities.Permanent(activities.Conflict, fmt.Errorf("the set of instance %q is incomplete: %s", s.instance, strings.Join(missing, ", ")),
				"a snapshot was deleted, or EC2 left a volume out; take the volume's snapshot by hand, or run the playbook anew")
		}
		if err := poll.pause(ctx); err != nil {
			return err
		}
	}
}

// refresh takes in what EC2 says now and gives the snapshots it no longer, or not yet, shows.
func (s *set) refresh(ctx context.Context) (missing []string, err error) {
	now, err := s.ask(ctx)
	if err != nil {
		return nil, err
	}
	latest := map[string]types.Snapshot{}
	for _, n := range now {
		latest[aws.ToString(n.SnapshotId)] = n
	}
	for i, f := range s.found {
		id := aws.ToString(f.SnapshotId)
		if n, ok := latest[id]; ok {
			s.found[i] = n
			delete(latest, id)
			continue
		}
		missing = append(missing, id)
	}
	for _, n := range now { // the rest of a set that was only half visible
		if _, fresh := latest[aws.ToString(n.SnapshotId)]; fresh {
			s.found = append(s.found, n)
		}
	}
	return missing, s.refuseMismatch()
}

// progress reports how far each snapshot is, and tells whether all are complete.
func (s *set) progress(ctx context.Context) (done bool, err error) {
	parts, complete := make([]string, 0, len(s.found)), 0
	for _, f := range s.found {
		switch f.State {
		case types.SnapshotStateError:
			return false, activities.Permanent(activities.Unsupported,
				fmt.Errorf("snapshot %q of volume %q failed: %s", aws.ToString(f.SnapshotId), aws.ToString(f.VolumeId), aws.ToString(f.StateMessage)),
				"check that the volume's KMS key is usable, delete the failed set and retry the step")
		case types.SnapshotStateCompleted:
			complete++
		}
		parts = append(parts, fmt.Sprintf("%s %d %%", aws.ToString(f.SnapshotId), percentOf(f)))
	}
	p := cursor{Creating: true}.progress(strings.Join(parts, ", "))
	p.Done = s.percent()
	activities.Report(ctx, p)
	return complete == len(s.found), nil
}

// percent is how far the whole set is.
func (s *set) percent() int64 {
	sum := int64(0)
	for _, f := range s.found {
		sum += percentOf(f)
	}
	return sum / max(int64(len(s.found)), 1)
}

// percentOf reads "42%"; EC2 leaves it empty at first.
func percentOf(f types.Snapshot) int64 {
	if f.State == types.SnapshotStateCompleted {
		return 100
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(aws.ToString(f.Progress), "%"), 10, 64)
	if err != nil {
		return 0
	}
	return min(max(n, 0), 100)
}

func (s *set) started() time.Time {
	var first time.Time
	for _, f := range s.found {
		if at := aws.ToTime(f.StartTime); first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}

// poller waits ever longer between two looks.
type poller struct {
	next   time.Duration
	waited time.Duration
}

func (p *poller) pause(ctx context.Context) error {
	p.next = min(max(2*p.next, shortestPoll), longestPoll)
	timer := time.NewTimer(p.next)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		p.waited += p.next
		return nil
	}
}
