package rfc3161

import (
	"bytes"
	"crypto"
	"crypto/sha1"     // RFC 3161's own ESSCertID names a certificate by it; nothing is signed with it
	_ "crypto/sha256" // hashOf gives them
	_ "crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
)

// signerInfo is CMS's SignerInfo.
type signerInfo struct {
	Version    int
	SID        asn1.RawValue
	Digest     pkix.AlgorithmIdentifier
	Attributes asn1.RawValue `asn1:"optional,tag:0"`
	Algorithm  pkix.AlgorithmIdentifier
	Signature  []byte
	Unsigned   asn1.RawValue `asn1:"optional,tag:1"`
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values asn1.RawValue `asn1:"set"`
}

func oidContentType() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
}
func oidMessageDigest() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
}
func oidSigningCertificate() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}
}
func oidSigningCertificateV2() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
}

// attributes gives the signed attributes by their types; each must be there once, and hold one value.
func (s signerInfo) attributes() (map[string][]byte, error) {
	found := map[string][]byte{}
	for rest := s.Attributes.Bytes; len(rest) > 0; {
		var a attribute
		var value asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &a); err != nil {
			return nil, fmt.Errorf("the timestamp's signed attributes: %w", err)
		}
		if err := whole(a.Values.Bytes, &value, "signed attribute "+a.Type.String()); err != nil {
			return nil, err
		}
		if _, twice := found[a.Type.String()]; twice {
			return nil, fmt.Errorf("the timestamp's signed attribute %s is there twice", a.Type)
		}
		found[a.Type.String()] = value.FullBytes
	}
	return found, nil
}

// check tells whether the certificate's key has signed the attributes, and these are about the content and the certificate.
func (s signerInfo) check(content []byte, cert *x509.Certificate) error {
	attributes, err := s.attributes()
	if err != nil {
		return err
	}
	hash, err := hashOf(s.Digest)
	if err != nil {
		return err
	}
	var kind asn1.ObjectIdentifier
	if err := whole(attributes[oidContentType().String()], &kind, "content type"); err != nil || !kind.Equal(oidTSTInfo()) {
		return errors.New("the timestamp's signature is not over a timestamp")
	}
	var digest []byte
	if err := whole(attributes[oidMessageDigest().String()], &digest, "message digest"); err != nil || !bytes.Equal(digest, sumOf(hash, content)) {
		return errors.New("the timestamp was altered after it was signed")
	}
	if err := namesCertificate(attributes, cert); err != nil {
		return err
	}
	algorithm, err := s.algorithm(hash)
	if err != nil {
		return err
	}
	signed := bytes.Clone(s.Attributes.FullBytes)
	signed[0] = 0x31 // what is signed is the SET OF, and not the [0] that stands for it (RFC 5652, section 5.4)
	if err := cert.CheckSignature(algorithm, signed, s.Signature); err != nil {
		return fmt.Errorf("the timestamp's signature does not hold: %w", err)
	}
	return nil
}

type essCertificates struct {
	Certs    []asn1.RawValue
	Policies asn1.RawValue `asn1:"optional"`
}

type essCertID struct {
	Hash   []byte
	Issuer asn1.RawValue `asn1:"optional"`
}

type essCertIDv2 struct {
	Algorithm pkix.AlgorithmIdentifier `asn1:"optional"`
	Hash      []byte
	Issuer    asn1.RawValue `asn1:"optional"`
}

// namesCertificate: the signature says by which certificate it was made, so that no other one with the same key is put in
// its place (RFC 5035).
func namesCertificate(attributes map[string][]byte, cert *x509.Certificate) error {
	v1, v2 := attributes[oidSigningCertificate().String()], attributes[oidSigningCertificateV2().String()]
	if v1 == nil && v2 == nil {
		return errors.New("the timestamp does not name the certificate that it is signed with")
	}
	var list essCertificates
	raw := v2
	if raw == nil {
		raw = v1
	}
	if err := whole(raw, &list, "signing certificate"); err != nil {
		return err
	}
	if len(list.Certs) == 0 {
		return errors.New("the timestamp does not name the certificate that it is signed with")
	}
	named, own, err := certHash(list.Certs[0].FullBytes, v2 != nil, cert)
	if err != nil {
		return err
	}
	if !bytes.Equal(named, own) {
		return errors.New("the timestamp names another certificate than the one that it carries")
	}
	return nil
}

// certHash gives the hash of a certificate that the timestamp names, and that of the one that it carries.
func certHash(raw []byte, v2 bool, cert *x509.Certificate) (named, own []byte, err error) {
	if !v2 {
		var id essCertID
		sum := sha1.Sum(cert.Raw)
		err = whole(raw, &id, "ESSCertID")
		return id.Hash, sum[:], err
	}
	var id essCertIDv2
	if err := whole(raw, &id, "ESSCertIDv2"); err != nil {
		return nil, nil, err
	}
	hash := crypto.SHA256
	if len(id.Algorithm.Algorithm) > 0 {
		if hash, err = hashOf(id.Algorithm); err != nil {
			return nil, nil, err
		}
	}
	return id.Hash, sumOf(hash, cert.Raw), nil
}
