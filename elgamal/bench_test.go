package elgamal

import (
	"math/big"
	"math/bits"
	"testing"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
)

// The multiplications of the field. Each multiplies x by y over and over and
// compares with x·y^N.

func fieldOperands() (x, y fp.Element) {
	g := Generator().Felts()
	return fp.Element(g[0]), fp.Element(g[1])
}

func wantPower(b *testing.B, got *big.Int) {
	b.Helper()
	x, y := fieldOperands()
	want := new(big.Int).Exp(y.BigInt(new(big.Int)), big.NewInt(int64(b.N)), fp.Modulus())
	want.Mul(want, x.BigInt(new(big.Int))).Mod(want, fp.Modulus())
	if got.Cmp(want) != 0 {
		b.Fatalf("product is %v, want %v", got, want)
	}
}

// BenchmarkFieldMul is what everything here uses: Montgomery form, R = 2^256.
func BenchmarkFieldMul(b *testing.B) {
	acc, y := fieldOperands()
	for range b.N {
		acc.Mul(&acc, &y)
	}
	wantPower(b, acc.BigInt(new(big.Int)))
}

// BenchmarkFieldMulBig is math/big with reused temporaries.
func BenchmarkFieldMulBig(b *testing.B) {
	x, y := fieldOperands()
	p, acc, m := fp.Modulus(), x.BigInt(new(big.Int)), y.BigInt(new(big.Int))
	product, q := new(big.Int), new(big.Int)
	for range b.N {
		q.QuoRem(product.Mul(acc, m), p, acc)
	}
	wantPower(b, acc)
}

// BenchmarkFieldMulBigNaive is math/big as one writes it first.
func BenchmarkFieldMulBigNaive(b *testing.B) {
	x, y := fieldOperands()
	p, acc, m := fp.Modulus(), x.BigInt(new(big.Int)), y.BigInt(new(big.Int))
	for range b.N {
		acc = new(big.Int).Mod(new(big.Int).Mul(acc, m), p)
	}
	wantPower(b, acc)
}

// BenchmarkFieldMulDoubleAndAdd doubles and adds on four limbs, modulo p.
func BenchmarkFieldMulDoubleAndAdd(b *testing.B) {
	x, y := fieldOperands()
	acc, m := limbs(&x), limbs(&y)
	for range b.N {
		acc = mulDoubleAndAdd(acc, m)
	}
	got := new(big.Int)
	for i := 3; i >= 0; i-- {
		got.Lsh(got, 64).Or(got, new(big.Int).SetUint64(acc[i]))
	}
	wantPower(b, got)
}

func limbs(x *fp.Element) [4]uint64 { return x.Bits() }

// modulus is p = 2^251 + 17·2^192 + 1.
var modulus = [4]uint64{1, 0, 0, 0x0800000000000011}

func mulDoubleAndAdd(x, y [4]uint64) (acc [4]uint64) {
	for i := 251; i >= 0; i-- {
		acc = addMod(acc, acc)
		if y[i/64]>>(i%64)&1 == 1 {
			acc = addMod(acc, x)
		}
	}
	return acc
}

func addMod(x, y [4]uint64) [4]uint64 {
	s0, carry := bits.Add64(x[0], y[0], 0)
	s1, carry := bits.Add64(x[1], y[1], carry)
	s2, carry := bits.Add64(x[2], y[2], carry)
	s3, _ := bits.Add64(x[3], y[3], carry)
	r0, borrow := bits.Sub64(s0, modulus[0], 0)
	r1, borrow := bits.Sub64(s1, modulus[1], borrow)
	r2, borrow := bits.Sub64(s2, modulus[2], borrow)
	r3, borrow := bits.Sub64(s3, modulus[3], borrow)
	if borrow == 1 {
		return [4]uint64{s0, s1, s2, s3}
	}
	return [4]uint64{r0, r1, r2, r3}
}

// The multiplications of the group, all by the same exponents.

func exponents(b *testing.B) (x, y fr.Element, p Point) {
	w := seeded(80)
	s := must(w.scalars(2))(b)
	return s[0], s[1], must(w.key())(b).Public().Point
}

func BenchmarkMulGeneric(b *testing.B) {
	x, _, _ := exponents(b)
	var got Point
	b.ResetTimer()
	for range b.N {
		got = mulPoint(Generator(), &x)
	}
	wantPoint(b, got, baseG().mul(&x))
}

func BenchmarkMulFixedBase(b *testing.B) {
	x, _, _ := exponents(b)
	t := baseG()
	var got Point
	b.ResetTimer()
	for range b.N {
		got = t.mul(&x)
	}
	wantPoint(b, got, mulPoint(Generator(), &x))
}

func BenchmarkMulJoint(b *testing.B) {
	x, y, p := exponents(b)
	points, exps := []Point{Generator(), p}, []fr.Element{x, y}
	var acc starkcurve.G1Jac
	b.ResetTimer()
	for range b.N {
		acc = identity()
		addMulVar(&acc, points, exps)
	}
	wantPoint(b, affine(&acc), mulPoint(Generator(), &x).add(mulPoint(p, &y)))
}

func BenchmarkMulSeparate(b *testing.B) {
	x, y, p := exponents(b)
	var got Point
	b.ResetTimer()
	for range b.N {
		got = mulPoint(Generator(), &x).add(mulPoint(p, &y))
	}
	wantPoint(b, got, baseG().mul(&x).add(mulPoint(p, &y)))
}

func wantPoint(b *testing.B, got, want Point) {
	b.Helper()
	if !got.Equal(want) {
		b.Fatalf("point is %v, want %v", got, want)
	}
}

func BenchmarkFixedBaseTable(b *testing.B) {
	x, _, _ := exponents(b)
	var t *fixedBase
	for range b.N {
		t = newFixedBase(Generator())
	}
	wantPoint(b, t.mul(&x), mulPoint(Generator(), &x))
}

func BenchmarkProveRange(b *testing.B) {
	w := newWorld(b, 81)
	c, o, err := w.encrypt(w.payer.Public(), 1<<39+5)
	if err != nil {
		b.Fatal(err)
	}
	var proof *RangeProof
	b.ResetTimer()
	for range b.N {
		proof = must(w.proveRange(o, w.ctx, Bits))(b)
	}
	if err := VerifyRange(w.ctx, w.payer.Public(), c, Bits, proof); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkVerifyRange(b *testing.B) {
	w := newWorld(b, 82)
	c, o, err := w.encrypt(w.payer.Public(), 1<<39+5)
	if err != nil {
		b.Fatal(err)
	}
	proof := must(w.proveRange(o, w.ctx, Bits))(b)
	b.ResetTimer()
	for range b.N {
		if err := VerifyRange(w.ctx, w.payer.Public(), c, Bits, proof); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProveTransfer(b *testing.B) {
	w := newWorld(b, 83)
	s := w.transferStatement(true)
	var m *Transfer
	b.ResetTimer()
	for range b.N {
		m = must(w.proveTransfer(w.payer, s, w.balance, 5))(b)
	}
	if _, err := VerifyTransfer(s, m); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkVerifyTransfer(b *testing.B) {
	w := newWorld(b, 84)
	s := w.transferStatement(true)
	m := must(w.proveTransfer(w.payer, s, w.balance, 5))(b)
	b.ResetTimer()
	for range b.N {
		if _, err := VerifyTransfer(s, m); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecrypt finds the largest amounts of 20, 32 and 40 bits, those that
// take longest.
func BenchmarkDecrypt(b *testing.B) {
	w := newWorld(b, 85)
	for _, size := range []struct {
		name   string
		amount Amount
	}{{"20", 1<<20 - 1}, {"32", 1<<32 - 1}, {"40", MaxAmount}} {
		b.Run(size.name, func(b *testing.B) {
			c, _, err := w.encrypt(w.payer.Public(), size.amount)
			if err != nil {
				b.Fatal(err)
			}
			babySteps()
			giantSteps()
			b.ResetTimer()
			for range b.N {
				if got, err := w.payer.Decrypt(b.Context(), c); err != nil || got != size.amount {
					b.Fatalf("decrypted %d, %v", got, err)
				}
			}
		})
	}
}

func BenchmarkDecryptTable(b *testing.B) {
	var t *babyTable
	for range b.N {
		t = newBabyTable()
	}
	if x := Generator().p.X; !(&search{table: t, target: Generator()}).at(0, &x, true) {
		b.Fatal("g is not in the table")
	}
}
