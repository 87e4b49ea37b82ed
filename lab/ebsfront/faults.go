package ebsfront

import (
	"fmt"
	"slices"
	"sync"
)

// Fault is one failure that a test orders through POST /_lab/faults.
type Fault struct {
	ID       int    `json:"id"`
	Action   string `json:"action"`             // "CreateSnapshots", "GetSnapshotBlock", …
	Kind     string `json:"kind"`               // one of Kinds
	Resource string `json:"resource,omitempty"` // an id that the request names, or the caller's access key; empty for any
	Block    *int32 `json:"block,omitempty"`    // with GetSnapshotBlock: only this block
	Count    int    `json:"count,omitempty"`    // how often it strikes; 1 when zero, without end when negative
	After    int    `json:"after,omitempty"`    // how many matching calls pass before
	Millis   int    `json:"millis,omitempty"`   // of latency, lag and duration
	Struck   int    `json:"struck"`
}

// The kinds of Fault.
const (
	Throttle     = "throttle"     // EC2 RequestLimitExceeded, EBS RequestThrottledException
	Unauthorized = "unauthorized" // EC2 UnauthorizedOperation, EBS AccessDeniedException
	Expired      = "expired"      // expired credentials: EC2 RequestExpired, others ExpiredTokenException
	Error500     = "error500"     // EC2 InternalError, EBS InternalServerException
	Latency      = "latency"      // the answer comes Millis later
	Corrupt      = "corrupt"      // GetSnapshotBlock: one flipped byte under the right checksum
	Stale        = "stale"        // GetSnapshotBlock: the block token has run out; of a listing: the page token
	Missing      = "missing"      // GetSnapshotBlock: the block is listed and not there
	Lag          = "lag"          // DescribeSnapshots: not yet visible, as EC2 is only eventually consistent
	Duration     = "duration"     // CreateSnapshots: these snapshots take Millis to complete
	Failed       = "failed"       // CreateSnapshots: these snapshots end in the state error
)

// Kinds lists them all.
func Kinds() []string {
	return []string{Throttle, Unauthorized, Expired, Error500, Latency, Corrupt, Stale, Missing, Lag, Duration, Failed}
}

type faults struct {
	mu   sync.Mutex
	last int
	list []*Fault
}

func (f *faults) add(fault Fault) (Fault, error) {
	if fault.Action == "" || !slices.Contains(Kinds(), fault.Kind) {
		return Fault{}, fmt.Errorf("a fault needs an action and one of the kinds %v", Kinds())
	}
	if fault.Count == 0 {
		fault.Count = 1
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	fault.ID, fault.Struck = f.last, 0
	f.list = append(f.list, &fault)
	return fault, nil
}

// strike gives the faults that hit this call, and uses them up.
func (f *faults) strike(action string, names []string, block *int32) []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Fault
	for _, fault := range f.list {
		if fault.Action == action && fault.meets(names, block) && fault.use() {
			out = append(out, *fault)
		}
	}
	return out
}

func (f *Fault) meets(names []string, block *int32) bool {
	if f.Block != nil && (block == nil || *f.Block != *block) {
		return false
	}
	return f.Resource == "" || slices.Contains(names, f.Resource)
}

func (f *Fault) use() bool {
	if f.After > 0 {
		f.After--
		return false
	}
	if f.Count == 0 {
		return false
	}
	f.Count--
	f.Struck++
	return true
}

func (f *faults) all() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Fault, 0, len(f.list))
	for _, fault := range f.list {
		out = append(out, *fault)
	}
	return out
}

// clear forgets the faults of one resource, or all when it is empty.
func (f *faults) clear(resource string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = slices.DeleteFunc(f.list, func(one *Fault) bool { return resource == "" || one.Resource == resource })
}
