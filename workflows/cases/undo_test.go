package cases_test

import (
	"errors"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/workflows"
	"github.com/firebreak-ir/firebreak/workflows/authority"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// TestAHeldCaseThatKnowsItsPeopleIsAbortedBySignature undoes a held case, which is to be aborted first: by nobody known, then
// by somebody who signs.
func TestAHeldCaseThatKnowsItsPeopleIsAbortedBySignature(t *testing.T) {
	w := newWorld(t)
	w.works()
	in := input(w.cluster, mark("first"), guarded("second"))
	in.Plan.Finally = append(in.Plan.Finally, guarded("last")) // is held when the first abort is through
	in.Authority = known("ann ir-leads")
	in.Authority.Responders = []string{"ir-leads"}
	of := w.opened("people", in)
	w.until(of, "held", held)
	req := cases.UndoRequest{By: "ann", AbortHeld: true}
	if _, err := w.Undo(t.Context(), of, req, func(workflows.UndoResult) {}); !errors.Is(err, cases.ErrNotAllowed) {
		t.Fatalf("nobody signed: %v", err)
	}
	nonces := 0
	req.Sign = func(d workflows.Decision) (workflows.Decision, error) {
		nonces++
		signed := authority.Sign(authority.Decision{
			Case: of.ID, Step: d.Path, Choice: string(d.Action), Comment: d.Reason, Subject: d.By, Nonce: string(rune('a' + nonces)), At: time.Now().UTC(),
		}, "ann", personKey("ann"))
		d.Signed = &signed
		return d, nil
	}
	result, err := w.Undo(t.Context(), of, req, func(workflows.UndoResult) {})
	if err != nil || result.Failures() != 0 || len(w.marks()) != 0 || nonces < 2 {
		t.Fatalf("%v, %+v, marks %q, %d signatures", err, result, w.marks(), nonces)
	}
	state, err := w.State(t.Context(), of)
	if err != nil || state.Aborted == nil || state.Aborted.By != "ann" || state.Aborted.Signed == nil {
		t.Fatalf("%v, %+v", err, state.Aborted)
	}
}
