package workflows

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"

	"go.temporal.io/sdk/workflow"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Carry is what a run of a case hands to the next one of its chain. Keys are paths of steps, with iterations; times are in
// nanoseconds of Unix time. Nothing ranges over its maps.
type Carry struct {
	State     State                     `json:"state"`
	Changes   []Undoable                `json:"changes,omitempty"`
	Marked    string                    `json:"marked"`              // the outcome that the lists show
	End       *End                      `json:"end,omitempty"`       // the steps are over: `finally` runs
	Through   []packed                  `json:"through,omitempty"`   // the steps that are through
	Inside    []string                  `json:"inside,omitempty"`    // the steps that the run was inside of
	Failing   map[string]*failure       `json:"failing,omitempty"`   // failures about which nothing is decided yet
	Fatal     map[string]*failure       `json:"fatal,omitempty"`     // failures that ended an item of a foreach, or the run
	Rounds    map[string]int            `json:"rounds,omitempty"`    // how often a step was run
	Tries     map[string]int            `json:"tries,omitempty"`     // how often the activity of a while, or of a retry by condition, was run
	Deadlines map[string]int64          `json:"deadlines,omitempty"` // of waits
	Choices   map[string]int            `json:"choices,omitempty"`   // the block that an if or a switch chose
	Lists     map[string][]any          `json:"lists,omitempty"`     // the items of a foreach
	Edits     map[string]map[string]any `json:"edits,omitempty"`     // what a person set in a step's input for its retry
	Paged     map[string]bool           `json:"paged,omitempty"`     // holds that people were told of
	Reminders map[string]*Reminder      `json:"reminders,omitempty"` // of what is held
	Heard     []string                  `json:"heard,omitempty"`     // nonces of the signed signals that came last
	Nodes     []string                  `json:"nodes,omitempty"`     // that the lists show
	Told      int                       `json:"told,omitempty"`      // messages to people so far
	Guarding  Guarding                  `json:"guarding,omitzero"`   // what the guards have let through
	Scoring   Scoring                   `json:"scoring,omitzero"`    // how long the case was held
}

// packed is a step that is through. Outputs stand in the record already; blocks name their steps.
type packed struct {
	Path   string          `json:"path"`
	Status string          `json:"status"`
	Error  string          `json:"error,omitempty"`
	Output bool            `json:"output,omitempty"` // the record has it
	Inside []packed        `json:"inside,omitempty"` // steps of a block
	IDs    []string        `json:"ids,omitempty"`    // of Inside
	Items  []packed        `json:"items,omitempty"`  // of a foreach
	Looped bool            `json:"looped,omitempty"` // it is a foreach, also one without items
	Other  json.RawMessage `json:"other,omitempty"`  // an output that no record has
}

// maxCarry is the most that is handed on, compressed; a payload of more than 2 MiB would end the run.
const maxCarry = 3 << 19

// pack gives the compressed Carry; false when it is too large to be handed on.
func (c *incident) pack() ([]byte, bool) {
	c.Through, c.Inside = nil, nil
	for _, s := range c.State.Steps {
		seen, through := c.finished[s.Path]
		switch {
		case through && !c.within(s.Path):
			c.Through = append(c.Through, c.packEntry(s.Path, seen))
		case !through:
			c.Inside = append(c.Inside, s.Path)
		}
	}
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	if json.NewEncoder(zip).Encode(c.Carry) != nil || zip.Close() != nil {
		return nil, false
	}
	return out.Bytes(), out.Len() <= maxCarry
}

// within tells whether a block around the step is through: it is packed with that one.
func (c *incident) within(path string) bool {
	for _, outer := range around(path) {
		if _, through := c.finished[outer]; through {
			return true
		}
	}
	return false
}

func (c *incident) packEntry(path string, e entry) packed {
	p := packed{Path: path}
	p.Status, _ = e[statusKey].(string)
	p.Error, _ = e[errorKey].(string)
	if output, there := e[outputKey]; there {
		if i, known := c.recorded[path]; known && c.State.Steps[i].Output != nil {
			p.Output = true
		} else {
			p.Other = encode(output)
		}
	}
	if items, loop := e[itemsKey].([]any); loop {
		p.Looped = true
		for i, item := range items {
			inner, _ := item.(entry)
			p.Items = append(p.Items, c.packEntry(indexed(path, i), inner))
		}
		return p
	}
	for _, id := range idsOf(e) {
		inner, _ := e[id].(entry)
		p.IDs = append(p.IDs, id)
		p.Inside = append(p.Inside, c.packEntry(path+"/"+id, inner))
	}
	return p
}

// resume takes over what the run before left.
func (c *incident) resume(ctx workflow.Context, raw []byte) error {
	zip, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("what the run before left: %w", err)
	}
	text, err := io.ReadAll(zip)
	if err == nil {
		err = json.Unmarshal(text, &c.Carry)
	}
	if err != nil {
		return fmt.Errorf("what the run before left: %w", err)
	}
	c.State.Run = workflow.GetInfo(ctx).WorkflowExecution.RunID
	c.restore()
	return nil
}

func (c *incident) restore() {
	for i := range c.State.Steps {
		s := &c.State.Steps[i]
		s.Output = plan.Copy(s.Output) // whole numbers come back whole
		c.recorded[s.Path] = i
	}
	for i := range c.Changes {
		c.Changes[i].Input, c.Changes[i].Output = plan.Copy(c.Changes[i].Input), plan.Copy(c.Changes[i].Output)
	}
	for _, p := range c.Through {
		c.finished[p.Path] = c.unpack(p)
	}
	for _, path := range c.Inside {
		c.entered[path] = true
	}
	c.State.Holds = nil // the steps are held again as they are come to
}

func (c *incident) unpack(p packed) entry {
	e := entry{statusKey: p.Status}
	if p.Error != "" {
		e[errorKey] = p.Error
	}
	switch i, known := c.recorded[p.Path]; {
	case p.Output && known:
		e[outputKey] = c.State.Steps[i].Output
	case p.Other != nil:
		e[outputKey], _ = plan.Decode(p.Other)
	}
	if p.Looped {
		items := make([]any, len(p.Items))
		for i, item := range p.Items {
			items[i] = c.unpack(item)
		}
		e[itemsKey] = items
	}
	for i, id := range p.IDs {
		e[id] = c.unpack(p.Inside[i])
	}
	return e
}

// again tells, once, whether the run before was inside of this step already: its condition is not asked again.
func (c *incident) again(path string) bool {
	was := c.entered[path]
	delete(c.entered, path)
	return was && c.at(path).Status == activities.StepRunning
}

// revisit gives a frame what the steps of a block gave, as far as they are through.
func (c *incident) revisit(at *frame, steps []plan.Step) {
	for _, s := range steps {
		if seen, through := c.finished[at.prefix+s.ID]; through {
			at.put(s.ID, seen)
		}
	}
}
