package codec

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

func key(id string, fill byte) Key { return Key{id, bytes.Repeat([]byte{fill}, KeySize)} }

func ring(t testing.TB, current string, keys ...Key) *Ring {
	t.Helper()
	r, err := NewRing(current, keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func plain(text string) *commonpb.Payload {
	return &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain"), "note": []byte("kept")}, Data: []byte(text)}
}

func encrypt(t testing.TB, r *Ring, p *commonpb.Payload) *commonpb.Payload {
	t.Helper()
	out, err := r.Encode([]*commonpb.Payload{p})
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

func TestRoundTrip(t *testing.T) {
	r := ring(t, "k1", key("k1", 1))
	for _, p := range []*commonpb.Payload{plain(`"shop/web"`), plain(""), {}, plain(strings.Repeat("x", 1<<20))} {
		before := proto.Clone(p)
		sealed := encrypt(t, r, p)
		if !proto.Equal(before, p) {
			t.Error("encoding changed what it was given")
		}
		if len(p.GetData()) > 0 && bytes.Contains(sealed.GetData(), p.GetData()) {
			t.Error("the value can be read")
		}
		if string(sealed.GetMetadata()[KeyIDField]) != "k1" || sealed.GetMetadata()["note"] != nil {
			t.Errorf("metadata: %v", sealed.GetMetadata())
		}
		out, err := r.Decode([]*commonpb.Payload{sealed})
		if err != nil || !proto.Equal(out[0], p) {
			t.Errorf("got %v, %v", out, err)
		}
	}
}

func TestNoNonceTwice(t *testing.T) {
	r := ring(t, "k1", key("k1", 1))
	seen := map[string]bool{}
	for range 1000 {
		nonce := string(encrypt(t, r, plain("1")).GetData()[:12])
		if seen[nonce] {
			t.Fatal("a nonce was used twice")
		}
		seen[nonce] = true
	}
}

func TestRotation(t *testing.T) {
	old := encrypt(t, ring(t, "k1", key("k1", 1)), plain("1"))
	both := ring(t, "k2", key("k1", 1), key("k2", 2))
	if out, err := both.Decode([]*commonpb.Payload{old, encrypt(t, both, plain("2")), plain("3")}); err != nil ||
		string(out[0].GetData())+string(out[1].GetData())+string(out[2].GetData()) != "123" {
		t.Errorf("got %v, %v", out, err)
	}
	_, err := ring(t, "k2", key("k2", 2)).Decode([]*commonpb.Payload{old})
	var unknown *KeyError
	if !errors.As(err, &unknown) || unknown.ID != "k1" || !strings.Contains(err.Error(), `"k1"`) {
		t.Errorf("got %v", err)
	}
}

// TestNothingCanBeChanged: every bit of what is stored is authenticated, and a key of the same name is not the same key.
func TestNothingCanBeChanged(t *testing.T) {
	r := ring(t, "k1", key("k1", 1), key("k2", 1)) // of one secret: only the name tells them apart
	for name, change := range map[string]func(*commonpb.Payload){
		"nonce":    func(p *commonpb.Payload) { p.Data[0] ^= 1 },
		"tag":      func(p *commonpb.Payload) { p.Data[len(p.Data)-1] ^= 1 },
		"text":     func(p *commonpb.Payload) { p.Data[20] ^= 1 },
		"short":    func(p *commonpb.Payload) { p.Data = p.Data[:5] },
		"empty":    func(p *commonpb.Payload) { p.Data = nil },
		"key":      func(p *commonpb.Payload) { p.Metadata[KeyIDField] = []byte("k2") },
		"encoding": func(p *commonpb.Payload) { p.Metadata[WasField] = []byte("binary/plain") },
	} {
		p := encrypt(t, r, plain(`"shop"`))
		change(p)
		_, err := r.Decode([]*commonpb.Payload{p})
		var damaged *DamagedError
		if !errors.As(err, &damaged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	other := encrypt(t, ring(t, "k1", key("k1", 9)), plain("1"))
	if _, err := r.Decode([]*commonpb.Payload{other}); err == nil || !strings.Contains(err.Error(), "is another one") {
		t.Errorf("got %v", err)
	}
}

func TestRingsThatAreNone(t *testing.T) {
	for want, try := range map[string]func() (*Ring, error){
		`there is no encryption key "k2", which is to be the current one`: func() (*Ring, error) { return NewRing("k2", []Key{key("k1", 1)}) },
		`encryption key "k1" is there twice`:                              func() (*Ring, error) { return NewRing("k1", []Key{key("k1", 1), key("k1", 2)}) },
		`encryption key "k1": it has 16 bytes, and must have 32`:          func() (*Ring, error) { return NewRing("k1", []Key{{"k1", make([]byte, 16)}}) },
	} {
		if _, err := try(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestAWorkflowBlocks: outside of a workflow a missing key is an error; inside, it must not end the run.
func TestAWorkflowBlocks(t *testing.T) {
	sealed, err := ring(t, "k1", key("k1", 1)).Converter().ToPayloads("x")
	if err != nil {
		t.Fatal(err)
	}
	outside := ring(t, "k2", key("k2", 2)).Converter()
	var text string
	if err := outside.FromPayloads(sealed, &text); err == nil {
		t.Error("it was read without its key")
	}
	aware, ok := outside.(converter.ContextAware)
	if !ok {
		t.Fatal("the converter does not know of workflows")
	}
	inside := aware.WithWorkflowContext(nil)
	for name, read := range map[string]func(){
		"payloads": func() { _ = inside.FromPayloads(sealed, &text) },
		"payload":  func() { _ = inside.FromPayload(sealed.GetPayloads()[0], &text) },
	} {
		if !panics(read) {
			t.Errorf("%s: the run would have ended", name)
		}
	}
	number := 0
	if err := ring(t, "k1", key("k1", 1)).Converter().(converter.ContextAware).WithWorkflowContext(nil).FromPayloads(sealed, &number); err == nil {
		t.Error("text was read as a number")
	}
}

func panics(do func()) (so bool) {
	defer func() { so = recover() != nil }()
	do()
	return false
}

func FuzzDecode(f *testing.F) {
	r := ring(f, "k1", key("k1", 1))
	sealed := encrypt(f, r, plain(`"x"`))
	f.Add([]byte("k1"), []byte("json/plain"), sealed.GetData())
	f.Add([]byte("k9"), []byte(nil), []byte(nil))
	f.Fuzz(func(t *testing.T, id, was, data []byte) {
		p := &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte(Encoding), KeyIDField: id, WasField: was}, Data: data}
		out, err := r.Decode([]*commonpb.Payload{p})
		if err == nil && cmp.Diff(string(out[0].GetData()), `"x"`) != "" {
			t.Errorf("forged: %v", out)
		}
	})
}
