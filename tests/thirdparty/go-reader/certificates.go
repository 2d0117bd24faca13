package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"time"
)

// Go's crypto/x509 refuses a certificate with an OID of which one arc has more than 31 bits, and the format's arc has
// 128. So encoding/asn1 takes certificates apart here, each OID left in the bytes it has.
type (
	extension struct {
		ID       asn1.RawValue
		Critical bool `asn1:"optional"`
		Value    []byte
	}
	signedPart struct {
		Raw       asn1.RawContent
		Version   int `asn1:"explicit,tag:0"` // 2 is version 3
		Serial    *big.Int
		Algorithm asn1.RawValue
		Issuer    asn1.RawValue
		Dates     struct{ From, Until time.Time }
		Subject   asn1.RawValue
		Key       asn1.RawValue
		Rest      []extension `asn1:"explicit,tag:3,optional"`
	}
	certificate struct {
		Raw       asn1.RawContent
		Signed    signedPart
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	// What the extensions of a certificate say.
	powers struct {
		Basic struct {
			Authority bool `asn1:"optional"`
			Depth     int  `asn1:"optional,default:-1"`
		}
		usage asn1.BitString
		uses  []asn1.RawValue
	}
)

const maySign, mayCertify = 0, 5 // bits of key usage, RFC 5280 section 4.2.1.3

var (
	ecdsaWithSHA256 = []byte{0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2}
	p256Key         = []byte{ // a SubjectPublicKeyInfo up to the 4 of an uncompressed point
		0x30, 89, 0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3, 66, 0, 4,
	}
)

// arc is the content of the OID 2.25.338029168601376529075508475928103131891 and what stands below it.
func arc(below ...byte) []byte {
	left, _ := new(big.Int).SetString("338029168601376529075508475928103131891", 10)
	content := []byte{}
	for more := byte(0); left.Sign() > 0; more = 0x80 {
		digit := byte(new(big.Int).And(left, big.NewInt(127)).Int64())
		content = append([]byte{digit | more}, content...)
		left.Rsh(left, 7)
	}
	return append(append([]byte{2*40 + 25}, content...), below...)
}

// key is the public key, whose one spelling is an uncompressed point on P-256.
func (c *certificate) key() (*ecdsa.PublicKey, error) {
	spelled := c.Signed.Key.FullBytes
	if bytes.HasPrefix(spelled, p256Key) && len(spelled) == len(p256Key)+64 {
		if x, y := elliptic.Unmarshal(elliptic.P256(), spelled[len(p256Key)-1:]); x != nil {
			return &ecdsa.PublicKey{Curve: elliptic.P256(), X: x, Y: y}, nil
		}
	}
	return nil, errors.New("certificate chain: a key that is not on P-256")
}

func (c *certificate) powers() (found powers, err error) {
	found.Basic.Depth = -1
	seen := map[string]bool{}
	for _, one := range c.Signed.Rest {
		id := one.ID.Bytes
		var rest []byte
		switch {
		case seen[string(id)]:
			err = errors.New("certificate chain: an extension twice")
		case bytes.Equal(id, []byte{0x55, 0x1d, 19}):
			rest, err = asn1.Unmarshal(one.Value, &found.Basic)
		case bytes.Equal(id, []byte{0x55, 0x1d, 15}):
			rest, err = asn1.Unmarshal(one.Value, &found.usage)
		case bytes.Equal(id, []byte{0x55, 0x1d, 37}):
			rest, err = asn1.Unmarshal(one.Value, &found.uses)
		case one.Critical:
			err = errors.New("certificate chain: an unknown critical extension")
		}
		if err == nil && len(rest) != 0 {
			err = errors.New("certificate chain: an extension with bytes after it")
		}
		if err != nil {
			return found, err
		}
		seen[string(id)] = true
	}
	return found, nil
}

// onlyUse says whether of the uses below `ours` this one is named, and no other.
func (p *powers) onlyUse(ours []byte, use byte) bool {
	found := false
	for _, one := range p.uses {
		if bytes.HasPrefix(one.Bytes, ours) {
			if !bytes.Equal(one.Bytes, append(ours, use)) {
				return false
			}
			found = true
		}
	}
	return found
}

// parsed reads one certificate in DER.
func parsed(der []byte) (*certificate, error) {
	found := &certificate{}
	if rest, err := asn1.Unmarshal(der, found); err != nil || len(rest) != 0 {
		return nil, errors.New("certificate chain: not a certificate")
	}
	if found.Signed.Version != 2 || found.Signed.Serial.Sign() <= 0 || found.Signature.BitLength%8 != 0 {
		return nil, errors.New("certificate chain: not version 3, no positive number, or half a byte of signature")
	}
	return found, nil
}

// chainOf checks a chain in itself: signatures, CA flags, path lengths, key usage, critical extensions, the leaf's use.
func chainOf(list []any) (chain []*certificate, err error) {
	for _, der := range list {
		one, err := parsed(der.([]byte))
		if err != nil {
			return nil, err
		}
		chain = append(chain, one)
	}
	for place, one := range chain {
		issuer := chain[len(chain)-1] // the root signs itself
		if place+1 < len(chain) {
			issuer = chain[place+1]
		}
		key, err := issuer.key()
		if err != nil {
			return nil, err
		}
		digest := sha256.Sum256(one.Signed.Raw)
		may, err := one.powers()
		if err != nil {
			return nil, err
		}
		switch {
		case !bytes.Equal(one.Algorithm.FullBytes, ecdsaWithSHA256) || !bytes.Equal(one.Signed.Algorithm.FullBytes, ecdsaWithSHA256):
			return nil, errors.New("certificate chain: another algorithm than ECDSA with SHA-256")
		case !bytes.Equal(one.Signed.Issuer.FullBytes, issuer.Signed.Subject.FullBytes):
			return nil, errors.New("certificate chain: not issued by the next")
		case !ecdsa.VerifyASN1(key, digest[:], one.Signature.Bytes):
			return nil, errors.New("certificate chain: a signature does not hold")
		case place > 0 && (!may.Basic.Authority || may.usage.At(mayCertify) == 0):
			return nil, errors.New("certificate chain: an issuer that is no authority")
		case place > 0 && may.Basic.Depth >= 0 && place-1 > may.Basic.Depth:
			return nil, errors.New("certificate chain: longer than it may be")
		case place == 0 && (may.Basic.Authority || may.usage.At(maySign) == 0):
			return nil, errors.New("certificate chain: the leaf may not sign")
		case place == 0 && !may.onlyUse(arc(1), 1):
			return nil, errors.New("certificate use: not a camera's")
		}
	}
	_, err = chain[0].key()
	return chain, err
}

// datesHold compares every certificate's dates with OPEN's clock, give or take its uncertainty, if it was set.
func datesHold(chain []*certificate, clock dict) bool {
	for _, one := range chain {
		at, slack := clock.int(1), clock.int(2)
		from, until := one.Signed.Dates.From.UnixMilli(), one.Signed.Dates.Until.UnixMilli()
		if clock.int(3) != 0 && (at < from && from-at > slack || at > until && at-until > slack) {
			return false
		}
	}
	return true
}

// trusted reads the certificates of a trust file.
func trusted(path string) (roots []*certificate, err error) {
	text, err := os.ReadFile(path)
	for err == nil {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		var one *certificate
		one, err = parsed(block.Bytes)
		roots = append(roots, one)
	}
	if err == nil && len(roots) == 0 {
		err = errors.New("no certificate in " + path)
	}
	return roots, err
}

// vouched says whether the root is a trusted one, and whether it has a trusted one's name.
func vouched(root *certificate, roots []*certificate) (yes, sameName bool) {
	for _, one := range roots {
		yes = yes || bytes.Equal(one.Raw, root.Raw)
		sameName = sameName || bytes.Equal(one.Signed.Subject.FullBytes, root.Signed.Subject.FullBytes)
	}
	return yes, sameName
}
