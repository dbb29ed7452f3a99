package elgamal

import (
	"bytes"
	"math/big"
	"testing"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
)

// TestIdentityAndOffCurvePoints wants every decoder to refuse them.
func TestIdentityAndOffCurvePoints(t *testing.T) {
	g := Generator().Felts()
	p := fp.Modulus().FillBytes(make([]byte, 32))
	for name, test := range map[string]struct {
		point []byte
		check Check
	}{
		"identity":           {make([]byte, 64), CheckIdentity},
		"x without y":        {EncodeFelts([]Felt{g[0], {}}), CheckPoint},
		"y without x":        {EncodeFelts([]Felt{{}, g[1]}), CheckPoint},
		"swapped":            {EncodeFelts([]Felt{g[1], g[0]}), CheckPoint},
		"x not canonical":    {append(bytes.Clone(p), make([]byte, 32)...), CheckFelt},
		"y not canonical":    {append(EncodeFelts(g[:1]), p...), CheckFelt},
		"short":              {EncodeFelts(g)[:63], CheckLength},
		"long":               {append(EncodeFelts(g), 0), CheckLength},
		"one felt":           {EncodeFelts(g[:1]), CheckLength},
		"another curve's":    {EncodeFelts([]Felt{feltOf(1), feltOf(2)}), CheckPoint},
		"compressed, almost": {append([]byte{4}, EncodeFelts(g)...), CheckLength},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodePoint(test.point)
			wantCheck(t, err, test.check)
			_, err = DecodePublicKey(test.point)
			wantCheck(t, err, test.check)
			good := Generator().Bytes()
			_, err = DecodeCiphertext(append(bytes.Clone(good), test.point...))
			wantCheck(t, err, test.check)
			_, err = DecodeCiphertext(append(bytes.Clone(test.point), good...))
			wantCheck(t, err, test.check)
		})
	}
}

func TestScalarEncodings(t *testing.T) {
	n := fr.Modulus()
	last := new(big.Int).Sub(n, big.NewInt(1)).FillBytes(make([]byte, 32))
	if s := must(DecodeScalar(last))(t); !bytes.Equal(s.Bytes(), last) || s.Felt() != must(DecodeFelt(last))(t) {
		t.Error("n - 1 is another scalar after decoding")
	}
	if s := must(DecodeScalar(make([]byte, 32)))(t); s != (Scalar{}) {
		t.Error("0 is not the zero Scalar")
	}
	_, err := DecodeScalar(n.FillBytes(make([]byte, 32)))
	wantCheck(t, err, CheckScalar)
	_, err = DecodeScalar(fp.Modulus().FillBytes(make([]byte, 32)))
	wantCheck(t, err, CheckFelt)
	_, err = DecodeScalar(make([]byte, 31))
	wantCheck(t, err, CheckLength)
	_, err = DecodeFelts(make([]byte, 33))
	wantCheck(t, err, CheckLength)
}

// TestPointMatchesCurve compares the edges of group arithmetic with gnark-crypto's.
func TestPointMatchesCurve(t *testing.T) {
	g := Generator()
	if zero := g.add(g.neg()); zero.Valid() || zero.String() != "identity" {
		t.Error("g - g is not the identity")
	}
	var twice starkcurve.G1Affine
	twice.ScalarMultiplicationBase(big.NewInt(2))
	if !g.add(g).Equal(Point{twice}) {
		t.Error("g + g is not 2g")
	}
	j := identity()
	if (Point{}).is(&j) || g.is(&j) {
		t.Error("the identity passes for a point")
	}
}
