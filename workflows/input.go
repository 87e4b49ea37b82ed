package workflows

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// smallPlan is the size in JSON up to which a plan stands in a history as it is. A larger one is compressed, to about a
// seventh: it is the largest part of a short case's history. The query `plan` gives it as it is.
const smallPlan = 1 << 10

// mostPlan bounds what a compressed plan may become.
const mostPlan = 8 << 20

// wire is how an Input travels: with the plan in one of two forms.
type wire struct {
	plainInput

	Plan json.RawMessage `json:"plan"` // an object, or base64 of its compressed JSON
}

type plainInput Input

// MarshalJSON writes the input with its plan compressed.
func (in Input) MarshalJSON() ([]byte, error) {
	raw, err := json.Marshal(in.Plan)
	if err != nil {
		return nil, fmt.Errorf("encode the plan: %w", err)
	}
	w := wire{plainInput: plainInput(in), Plan: raw}
	if len(raw) > smallPlan {
		var out bytes.Buffer
		zip, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
		if err != nil {
			return nil, err
		}
		if _, err := zip.Write(raw); err != nil {
			return nil, err
		}
		if err := zip.Close(); err != nil {
			return nil, err
		}
		if w.Plan, err = json.Marshal(out.Bytes()); err != nil {
			return nil, err
		}
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads an input, whichever form its plan has.
func (in *Input) UnmarshalJSON(raw []byte) error {
	var w wire
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*in = Input(w.plainInput)
	in.Plan = plan.Plan{}
	if text := bytes.TrimSpace(w.Plan); len(text) == 0 || text[0] != '"' {
		if len(text) == 0 {
			return nil
		}
		return json.Unmarshal(text, &in.Plan)
	}
	var packed []byte
	if err := json.Unmarshal(w.Plan, &packed); err != nil {
		return err
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("the plan is not readable: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(zip, mostPlan))
	if err != nil {
		return fmt.Errorf("the plan is not readable: %w", err)
	}
	return json.Unmarshal(text, &in.Plan)
}
