// Package codec encrypts the payloads that Firebreak hands to Temporal, and serves their decryption to the Web UI.
package codec

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

// KeySize is the length of a key in bytes: AES-256.
const KeySize = 32

// What the metadata of an encrypted payload says. None of it is secret, and all of it is authenticated.
const (
	Encoding       = "binary/encrypted" // stands where the payload's own encoding stood
	KeyIDField     = "encryption-key-id"
	WasField       = "encryption-original-encoding"
	authentication = "firebreak payload 1" // what else is encrypted with the same key is no payload
)

// Key is one key with the name that payloads carry.
type Key struct {
	ID     string
	Secret []byte // KeySize bytes
}

// Ring encrypts with one key and decrypts with any of its keys. It is Temporal's PayloadCodec. A key should be replaced long
// before it has encrypted 2^32 payloads: nonces are random.
type Ring struct {
	current string
	keys    map[string]cipher.AEAD
}

// NewRing makes a ring that encrypts with the key named current.
func NewRing(current string, keys []Key) (*Ring, error) {
	r := &Ring{current: current, keys: make(map[string]cipher.AEAD, len(keys))}
	for _, k := range keys {
		if _, twice := r.keys[k.ID]; twice {
			return nil, fmt.Errorf("encryption key %q is there twice", k.ID)
		}
		sealer, err := k.sealer()
		if err != nil {
			return nil, fmt.Errorf("encryption key %q: %w", k.ID, err)
		}
		r.keys[k.ID] = sealer
	}
	if r.keys[current] == nil {
		return nil, fmt.Errorf("there is no encryption key %q, which is to be the current one", current)
	}
	return r, nil
}

func (k Key) sealer() (cipher.AEAD, error) {
	if len(k.Secret) != KeySize {
		return nil, fmt.Errorf("it has %d bytes, and must have %d", len(k.Secret), KeySize)
	}
	block, err := aes.NewCipher(k.Secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Encode is converter.PayloadCodec's.
func (r *Ring) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	return each(payloads, r.seal)
}

// Decode is converter.PayloadCodec's. What is not encrypted passes through: it was written before encryption was turned on. The
// error is a KeyError or a DamagedError.
func (r *Ring) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	return each(payloads, r.open)
}

func each(payloads []*commonpb.Payload, do func(*commonpb.Payload) (*commonpb.Payload, error)) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		one, err := do(p)
		if err != nil {
			return nil, err
		}
		out[i] = one
	}
	return out, nil
}

func (r *Ring) seal(p *commonpb.Payload) (*commonpb.Payload, error) {
	plain, err := proto.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encrypt a payload: %w", err)
	}
	was := p.GetMetadata()[converter.MetadataEncoding]
	return &commonpb.Payload{
		Metadata: map[string][]byte{
			converter.MetadataEncoding: []byte(Encoding), KeyIDField: []byte(r.current), WasField: was,
		},
		Data: r.keys[r.current].Seal(nil, nil, plain, authenticated(r.current, was)),
	}, nil
}

func (r *Ring) open(p *commonpb.Payload) (*commonpb.Payload, error) {
	meta := p.GetMetadata()
	if string(meta[converter.MetadataEncoding]) != Encoding {
		return p, nil
	}
	id, was := string(meta[KeyIDField]), meta[WasField]
	key, known := r.keys[id]
	if !known {
		return nil, &KeyError{ID: id}
	}
	plain, err := key.Open(nil, nil, p.GetData(), authenticated(id, was))
	if err != nil {
		return nil, &DamagedError{ID: id, Err: err}
	}
	out := &commonpb.Payload{}
	if err := proto.Unmarshal(plain, out); err != nil {
		return nil, &DamagedError{ID: id, Err: err}
	}
	return out, nil
}

// authenticated is what is not encrypted and must not be changed: each part with its length, so that none runs into the next.
func authenticated(id string, was []byte) []byte {
	var out []byte
	for _, part := range [][]byte{[]byte(authentication), []byte(id), was} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part))) //nolint:gosec // metadata of a message that gRPC bounds
		out = append(out, part...)
	}
	return out
}
