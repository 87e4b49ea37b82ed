// Package attest says what a sealed case holds, as an in-toto Statement in a DSSE envelope, and checks such envelopes. It
// opens no file and makes no key.
package attest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// PayloadType is that of an in-toto Statement in a DSSE envelope.
const PayloadType = "application/vnd.in-toto+json"

// Envelope is a DSSE envelope (DSSE 1.0, envelope.md).
type Envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     []byte      `json:"payload"` // in base64
	Signatures  []Signature `json:"signatures"`
}

// Signature is one signature over PAE of the envelope's payload.
type Signature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"` // ed25519, in base64
}

// PAE is the pre-authentication encoding, which is what a signature covers (DSSE 1.0, protocol.md).
func PAE(payloadType string, payload []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload))
	b.Write(payload)
	return b.Bytes()
}

// KeyID names a key by the beginning of its hash, as `firebreak keygen` prints it.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// Seal puts a payload into an envelope, signed where there is a key. Without one the envelope has no signature, which no
// verifier takes for signed.
func Seal(payload []byte, key ed25519.PrivateKey) Envelope {
	e := Envelope{PayloadType: PayloadType, Payload: payload, Signatures: []Signature{}}
	if key != nil {
		public, _ := key.Public().(ed25519.PublicKey)
		e.Signatures = append(e.Signatures, Signature{KeyID(public), ed25519.Sign(key, PAE(PayloadType, payload))})
	}
	return e
}

// Line writes the envelope as one line of JSON.
func (e Envelope) Line() ([]byte, error) {
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write the envelope: %w", err)
	}
	return append(raw, '\n'), nil
}

// ParseEnvelope reads an envelope that Line wrote. Anything that Line would have written otherwise is refused: no
// signature covers it.
func ParseEnvelope(raw []byte) (Envelope, error) {
	var e Envelope
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return Envelope{}, fmt.Errorf("read the envelope: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Envelope{}, errors.New("read the envelope: there is something after it")
	}
	again, err := e.Line()
	if err != nil || !bytes.Equal(again, raw) {
		return Envelope{}, errors.New("read the envelope: it is not written as its content is written")
	}
	if e.PayloadType != PayloadType {
		return Envelope{}, fmt.Errorf("the envelope's payload is of the type %.80q, not %q", e.PayloadType, PayloadType)
	}
	return e, nil
}

// SignedBy gives the ids of those of the keys that have signed the envelope.
func (e Envelope) SignedBy(keys []ed25519.PublicKey) []string {
	var ids []string
	covered := PAE(e.PayloadType, e.Payload)
	for _, key := range keys {
		for _, s := range e.Signatures { // the id is a hint alone
			if len(key) == ed25519.PublicKeySize && ed25519.Verify(key, covered, s.Sig) {
				ids = append(ids, KeyID(key))
				break
			}
		}
	}
	return ids
}
