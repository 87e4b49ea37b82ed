package activities

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// decode reads one JSON value into into. Unknown fields are refused: a playbook's typo must not pass as a default.
// Empty input leaves into as it is, which is how Undo sees a Run that never reported back.
func decode(raw json.RawMessage, into any) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return Invalid(fmt.Errorf("decode input: %w", err), "correct the step's `with`; `firebreak activities` prints the fields")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Invalid(errors.New("decode input: more than one JSON value"), "give one object")
	}
	return nil
}
