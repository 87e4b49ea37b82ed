package forensics

import (
	"context"
	"io"

	"github.com/firebreak-ir/firebreak/forensics/lastwrites"
)

const maxAllHashed = 100 << 30 // bytes of all files

// change is one line of last-writes.jsonl.
type change struct {
	lastwrites.Change
	Unjudged string `json:"unjudged,omitempty"` // why it does not count
	Severity string `json:"severity,omitempty"`
	Title    string `json:"title,omitempty"`
}

// short makes what an attacker may make as long as he likes fit into a line.
func (c *change) short() {
	c.Path, c.Inside, c.Layer = lastwrites.ShortPath(c.Path), lastwrites.ShortPath(c.Inside), lastwrites.ShortPath(c.Layer)
	c.Problem = oneLine(c.Problem)
}

// untilDone stops reading when nobody waits any more.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
