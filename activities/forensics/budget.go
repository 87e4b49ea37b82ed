package forensics

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// What the lists of one output may take, in bytes of JSON: 40 KiB together, of the 64 KiB that travel in a history. An
// attacker chooses names and their number, and some signs take six bytes there. What does not fit is in the evidence.
const (
	listRoom    = 28 << 10
	warningRoom = 8 << 10
	storeRoom   = 4 << 10
	textRoom    = 512 // one text
)

// fit gives those at the head of a list that fit in so many bytes.
func fit[T any](all []T, room int) []T {
	for i := range all {
		raw, err := json.Marshal(all[i])
		if room -= len(raw) + 1; err != nil || room < 0 {
			return all[:i:i]
		}
	}
	return all
}

// fitTexts is fit for sentences, the first of so many; the last one says how many more there are.
func fitTexts(all []string, total, room int) []string {
	kept := fit(all, room)
	if len(kept) == total {
		return kept
	}
	return append(kept, fmt.Sprintf("and %d more are in the evidence", total-len(kept)))
}

func warningsOf(all []string) []string { return fitTexts(all, len(all), warningRoom) }

// more says of what an output leaves out where it is; nothing when it leaves out nothing.
func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %d more are in the evidence", n)
}

// oneLine makes a text of the disk harmless and short: no control signs, at most textRoom bytes of JSON, both ends kept.
func oneLine(s string) string {
	s = strings.Map(visible, strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\n", "; "))
	out := s
	for half := textRoom / 2; jsonLength(out) > textRoom; half = half * 3 / 4 {
		if half*2 < len(s) {
			out = strings.ToValidUTF8(s[:half], "") + "…" + strings.ToValidUTF8(s[len(s)-half:], "")
		}
	}
	return out
}

// visible replaces what would move a terminal's cursor or turn the direction of a text around.
func visible(r rune) rune {
	if unicode.IsGraphic(r) {
		return r
	}
	return unicode.ReplacementChar
}

func jsonLength(s string) int {
	raw, err := json.Marshal(s)
	if err != nil { // no string fails
		return 0
	}
	return len(raw)
}
