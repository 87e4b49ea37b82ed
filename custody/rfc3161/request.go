// Package rfc3161 asks a time-stamping authority (TSA) for timestamps and checks them (RFC 3161, RFC 5816, and of CMS, RFC
// 5652, what they need). It reads strict DER alone.
package rfc3161

import (
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
)

// imprint is MessageImprint: the hash that is stamped.
type imprint struct {
	Algorithm pkix.AlgorithmIdentifier
	Hash      []byte
}

type request struct {
	Version int
	Imprint imprint
	Nonce   *big.Int
	CertReq bool
}

// NewRequest gives a request, in DER, for a timestamp of a SHA-256. It asks for the TSA's certificate too, so that the
// answer can be checked with nothing but the TSA's root.
func NewRequest(digest [sha256.Size]byte, nonce *big.Int) ([]byte, error) {
	raw, err := asn1.Marshal(request{
		Version: 1, Imprint: imprint{Algorithm: pkix.AlgorithmIdentifier{Algorithm: oidSHA256(), Parameters: asn1.NullRawValue}, Hash: digest[:]},
		Nonce: nonce, CertReq: true,
	})
	if err != nil {
		return nil, fmt.Errorf("write the timestamp request: %w", err)
	}
	return raw, nil
}

func oidSHA256() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1} }
