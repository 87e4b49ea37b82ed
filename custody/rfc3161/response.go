package rfc3161

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// MaxBytes is how long a response may be: with a chain of certificates a real one has less than 20 KiB.
const MaxBytes = 256 << 10

// Response is a TSA's answer that holds a timestamp. Nothing in it is proven before Verify.
type Response struct {
	Time    time.Time
	Serial  *big.Int
	Policy  string
	SHA256  []byte   // what was stamped
	Nonce   *big.Int // nil: none
	content []byte   // the TSTInfo, which is what is signed
	certs   []*x509.Certificate
	signer  signerInfo
}

type response struct {
	Status statusInfo
	Token  asn1.RawValue `asn1:"optional"`
}

type statusInfo struct {
	Status  int
	Strings []asn1.RawValue `asn1:"optional"`
	Failure asn1.BitString  `asn1:"optional"`
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version      int
	Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
	Content      encapsulated
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	CRLs         asn1.RawValue `asn1:"optional,tag:1"`
	Signers      []signerInfo  `asn1:"set"`
}

type encapsulated struct {
	Type    asn1.ObjectIdentifier
	Content []byte `asn1:"explicit,tag:0"`
}

type tstInfo struct {
	Version    int
	Policy     asn1.ObjectIdentifier
	Imprint    imprint
	Serial     *big.Int
	Time       time.Time     `asn1:"generalized"`
	Accuracy   accuracy      `asn1:"optional"`
	Ordering   bool          `asn1:"optional"`
	Nonce      *big.Int      `asn1:"optional"`
	TSA        asn1.RawValue `asn1:"optional,tag:0"`
	Extensions asn1.RawValue `asn1:"optional,tag:1"`
}

type accuracy struct {
	Seconds int `asn1:"optional"`
	Millis  int `asn1:"optional,tag:0"`
	Micros  int `asn1:"optional,tag:1"`
}

func oidSignedData() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2} }
func oidTSTInfo() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
}

// Parse reads a response. One that holds no timestamp is an error with the TSA's reason.
func Parse(raw []byte) (*Response, error) {
	if len(raw) > MaxBytes {
		return nil, fmt.Errorf("the timestamp response has more than %d bytes", MaxBytes)
	}
	var r response
	if err := whole(raw, &r, "timestamp response"); err != nil {
		return nil, err
	}
	if r.Status.Status > 1 || r.Status.Status < 0 { // 0 granted, 1 granted with modifications
		return nil, fmt.Errorf("the TSA refused: status %d%s", r.Status.Status, r.Status.words())
	}
	if len(r.Token.FullBytes) == 0 {
		return nil, errors.New("the timestamp response holds no timestamp")
	}
	return parseToken(r.Token.FullBytes)
}

func (s statusInfo) words() string {
	var words []string
	for _, text := range s.Strings {
		words = append(words, fmt.Sprintf("%.200q", text.Bytes))
	}
	if len(words) == 0 {
		return ""
	}
	return ": " + strings.Join(words, ", ")
}

func parseToken(raw []byte) (*Response, error) {
	var outer contentInfo
	if err := whole(raw, &outer, "timestamp token"); err != nil {
		return nil, err
	}
	var signed signedData
	if err := whole(outer.Content.Bytes, &signed, "timestamp's signed data"); err != nil {
		return nil, err
	}
	switch {
	case !outer.Type.Equal(oidSignedData()) || !signed.Content.Type.Equal(oidTSTInfo()):
		return nil, errors.New("the timestamp token holds something that is no timestamp")
	case len(signed.Signers) != 1:
		return nil, fmt.Errorf("the timestamp has %d signers, and must have one", len(signed.Signers))
	}
	certs, err := x509.ParseCertificates(signed.Certificates.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the timestamp's certificates: %w", err)
	}
	return parseInfo(signed.Content.Content, certs, signed.Signers[0])
}

func parseInfo(raw []byte, certs []*x509.Certificate, signer signerInfo) (*Response, error) {
	var info tstInfo
	if err := whole(raw, &info, "TSTInfo"); err != nil {
		return nil, err
	}
	if info.Version != 1 || !info.Imprint.Algorithm.Algorithm.Equal(oidSHA256()) {
		return nil, errors.New("the timestamp is not of version 1 over a SHA-256")
	}
	return &Response{
		Time: info.Time.UTC(), Serial: info.Serial, Policy: info.Policy.String(), SHA256: info.Imprint.Hash, Nonce: info.Nonce,
		content: raw, certs: certs, signer: signer,
	}, nil
}

// whole reads one value that must fill all of raw.
func whole(raw []byte, into any, what string) error {
	rest, err := asn1.Unmarshal(raw, into)
	if err != nil {
		return fmt.Errorf("read the %s: %w", what, err)
	}
	if len(rest) > 0 {
		return fmt.Errorf("read the %s: %d bytes follow it", what, len(rest))
	}
	return nil
}
