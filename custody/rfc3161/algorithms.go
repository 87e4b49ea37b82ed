package rfc3161

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
)

// hashOf gives the hash of an identifier. SHA-1 and what is older is refused.
func hashOf(id pkix.AlgorithmIdentifier) (crypto.Hash, error) {
	hash, known := map[string]crypto.Hash{
		"2.16.840.1.101.3.4.2.1": crypto.SHA256,
		"2.16.840.1.101.3.4.2.2": crypto.SHA384,
		"2.16.840.1.101.3.4.2.3": crypto.SHA512,
	}[id.Algorithm.String()]
	if !known {
		return 0, fmt.Errorf("the timestamp uses the hash %s; SHA-256, SHA-384 and SHA-512 are read", id.Algorithm)
	}
	return hash, nil
}

func sumOf(hash crypto.Hash, content []byte) []byte {
	h := hash.New()
	h.Write(content)
	return h.Sum(nil)
}

// algorithm is that of the signature. Some name the hash too, some only the key.
func (s signerInfo) algorithm(hash crypto.Hash) (x509.SignatureAlgorithm, error) {
	id := s.Algorithm.Algorithm.String()
	rsa := map[crypto.Hash]x509.SignatureAlgorithm{
		crypto.SHA256: x509.SHA256WithRSA, crypto.SHA384: x509.SHA384WithRSA, crypto.SHA512: x509.SHA512WithRSA,
	}
	pss := map[crypto.Hash]x509.SignatureAlgorithm{
		crypto.SHA256: x509.SHA256WithRSAPSS, crypto.SHA384: x509.SHA384WithRSAPSS, crypto.SHA512: x509.SHA512WithRSAPSS,
	}
	ecdsa := map[crypto.Hash]x509.SignatureAlgorithm{
		crypto.SHA256: x509.ECDSAWithSHA256, crypto.SHA384: x509.ECDSAWithSHA384, crypto.SHA512: x509.ECDSAWithSHA512,
	}
	known := map[string]x509.SignatureAlgorithm{
		"1.2.840.113549.1.1.1": rsa[hash], "1.2.840.113549.1.1.10": pss[hash], "1.2.840.10045.2.1": ecdsa[hash],
		"1.2.840.113549.1.1.11": x509.SHA256WithRSA, "1.2.840.113549.1.1.12": x509.SHA384WithRSA, "1.2.840.113549.1.1.13": x509.SHA512WithRSA,
		"1.2.840.10045.4.3.2": x509.ECDSAWithSHA256, "1.2.840.10045.4.3.3": x509.ECDSAWithSHA384, "1.2.840.10045.4.3.4": x509.ECDSAWithSHA512,
		"1.3.101.112": x509.PureEd25519,
	}
	algorithm := known[id]
	if algorithm == x509.UnknownSignatureAlgorithm {
		return 0, fmt.Errorf("the timestamp is signed with the algorithm %s, which is not read", id)
	}
	return algorithm, nil
}
