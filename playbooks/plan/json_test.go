package plan

import "testing"

// FuzzDecode holds what is read without a decoder against what the decoder reads.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{" null ", "true", "false", `"words"`, `"a\"b"`, `"a\\"`, "\"\xff\"", `"`, `""`, "12", "nulls", `"a" "b"`, "\"\n\"", "\"\ufffd\""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, is := scalar(raw)
		if !is || len(raw) == 0 {
			return
		}
		if want, err := decoded(raw); err != nil || got != want {
			t.Fatalf("%q: got %#v, the decoder %#v, %v", raw, got, want, err)
		}
	})
}
