package block

import (
	"sync"
	"time"
)

// pacer spaces requests so that the service has to refuse none. Where it refuses one nevertheless, others of the account
// are reading too: the requests then come more slowly, and faster again while they are answered.
type pacer struct {
	mu     sync.Mutex
	clock  func() time.Time
	least  time.Duration // between two requests, as the quota has it
	gap    time.Duration // between two requests now
	next   time.Time     // when the next request may begin
	slowed time.Time
}

const (
	longestGap = 100 * time.Millisecond
	arrears    = 50 * time.Millisecond  // what was not asked for in that time may be asked for at once
	oneRefusal = 200 * time.Millisecond // refusals within it tell the same thing
)

func newPacer(perSecond int, clock func() time.Time) *pacer {
	gap := time.Second / time.Duration(perSecond)
	return &pacer{clock: clock, least: gap, gap: gap}
}

// turn takes the next place in the row and gives how long to wait for it.
func (p *pacer) turn() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock()
	if earliest := now.Add(-arrears); p.next.Before(earliest) {
		p.next = earliest
	}
	wait := p.next.Sub(now)
	p.next = p.next.Add(p.gap)
	return max(wait, 0)
}

// refused halves the speed, once for all refusals that come together.
func (p *pacer) refused() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.clock(); now.Sub(p.slowed) >= oneRefusal {
		p.gap, p.slowed = min(2*p.gap, max(longestGap, p.least)), now
	}
}

// answered takes back a hundredth of what refusals have cost.
func (p *pacer) answered() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gap = max(p.gap-p.gap/100, p.least)
}
