package starknetgo_test

import (
	"context"
	"math/big"
	"strings"
	"testing"

	"github.com/NethermindEth/juno/core/felt"
	"github.com/NethermindEth/starknet.go/account"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/starknetgo"
	"github.com/bitsage/bitsage/wallet"
)

// newKey returns the key of number n.
func newKey(t require.TestingT, n int64) *wallet.Key {
	key, err := wallet.NewKey(big.NewInt(n).FillBytes(make([]byte, wallet.KeySize)))
	require.NoError(t, err)
	return key
}

// memKeystore puts a key into starknet.go's keystore, as its users do.
func memKeystore(t require.TestingT, key *wallet.Key) (*account.MemKeystore, string) {
	private, err := key.Reveal()
	require.NoError(t, err)
	id := key.PublicKey().String()
	return account.SetNewMemKeystore(id, new(big.Int).SetBytes(private)), id
}

func TestFelts(t *testing.T) {
	for _, s := range []string{"0x0", "0x1", "0x2ceed65a4bd731034c01113685c831b01c15d7d432f71afb1cf1634b53a2125",
		"0x800000000000011000000000000000000000000000000000000000000000000"} {
		ours, err := chain.ParseFelt(s)
		require.NoError(t, err)
		theirs, err := new(felt.Felt).SetString(s)
		require.NoError(t, err)
		require.Equal(t, s, starknetgo.ToJuno(ours).String())
		require.Equal(t, theirs, starknetgo.ToJuno(ours))
		require.Equal(t, s, starknetgo.FromJuno(theirs).String())
		require.Equal(t, ours, starknetgo.FromJuno(theirs))
	}
	require.Zero(t, starknetgo.FromJuno(nil))
	list := []chain.Felt{chain.Uint(1), chain.Uint(2)}
	require.Equal(t, list, starknetgo.FromJunos(starknetgo.ToJunos(list)))
	require.NotNil(t, starknetgo.ToJunos(nil), "starknet.go would send null")
}

// A conversion gives a copy: what starknet.go does to it does not reach the original.
func TestFeltsAreCopies(t *testing.T) {
	ours := chain.Uint(7)
	starknetgo.ToJuno(ours).SetUint64(8)
	require.Equal(t, chain.Uint(7), ours)
}

func TestKeystore(t *testing.T) {
	first, second := newKey(t, 11), newKey(t, 12)
	ks := starknetgo.NewKeystore(first)
	ks.Add(second)
	for _, key := range []*wallet.Key{first, second} {
		hash := chain.Uint(1234)
		id := key.PublicKey().String()
		for _, id := range []string{id, "0x" + strings.Repeat("0", 66-len(id)) + id[2:], "0x" + strings.ToUpper(id[2:])} {
			r, s, err := ks.Sign(t.Context(), id, big.NewInt(1234))
			require.NoError(t, err, id)
			want, err := key.Sign(t.Context(), hash)
			require.NoError(t, err)
			require.Equal(t, want, wallet.Signature{
				R: starknetgo.FromJuno(new(felt.Felt).SetBigInt(r)), S: starknetgo.FromJuno(new(felt.Felt).SetBigInt(s)),
			})
		}
	}
}

func TestKeystoreRefuses(t *testing.T) {
	key := newKey(t, 11)
	id := key.PublicKey().String()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	erased := newKey(t, 13)
	erased.Zero()
	for name, c := range map[string]struct {
		ctx  context.Context
		id   string
		hash *big.Int
		want error
	}{
		"another key":          {t.Context(), "0x1", big.NewInt(1), starknetgo.ErrUnknownKey},
		"no public key":        {t.Context(), "alice", big.NewInt(1), starknetgo.ErrUnknownKey},
		"no hash":              {t.Context(), id, nil, wallet.ErrHashRange},
		"a negative hash":      {t.Context(), id, big.NewInt(-1), wallet.ErrHashRange},
		"a hash that is 2^251": {t.Context(), id, new(big.Int).Lsh(big.NewInt(1), 251), wallet.ErrHashRange},
		"a huge hash":          {t.Context(), id, new(big.Int).Lsh(big.NewInt(1), 1000), wallet.ErrHashRange},
		"an ended context":     {ended, id, big.NewInt(1), context.Canceled},
		"an erased key":        {t.Context(), erased.PublicKey().String(), big.NewInt(1), wallet.ErrNoKey},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := starknetgo.NewKeystore(key, erased).Sign(c.ctx, c.id, c.hash)
			require.ErrorIs(t, err, c.want)
		})
	}
	_, _, err := new(starknetgo.Keystore).Sign(t.Context(), id, big.NewInt(1))
	require.ErrorIs(t, err, starknetgo.ErrUnknownKey)
}

func TestKeystoreSigner(t *testing.T) {
	key := newKey(t, 11)
	ks, id := memKeystore(t, key)
	signer := starknetgo.KeystoreSigner(ks, id, key.PublicKey())
	require.Equal(t, key.PublicKey(), signer.PublicKey())
	for n := range uint64(20) { // starknet.go's nonces are random: about half of its s are high
		sig, err := signer.Sign(t.Context(), chain.Uint(n))
		require.NoError(t, err)
		require.NoError(t, wallet.Verify(key.PublicKey(), chain.Uint(n), sig))
	}
}

// brokenKeystore answers with two numbers.
type brokenKeystore struct{ r, s *big.Int }

func (b brokenKeystore) Sign(context.Context, string, *big.Int) (r, s *big.Int, err error) {
	return b.r, b.s, nil
}

func TestKeystoreSignerRefuses(t *testing.T) {
	key, other := newKey(t, 11), newKey(t, 12)
	ks, id := memKeystore(t, key)
	_, err := starknetgo.KeystoreSigner(ks, id, other.PublicKey()).Sign(t.Context(), chain.Uint(1))
	require.ErrorIs(t, err, wallet.ErrSignature, "a wrong public key")
	_, err = starknetgo.KeystoreSigner(ks, "bob", key.PublicKey()).Sign(t.Context(), chain.Uint(1))
	require.ErrorIs(t, err, account.ErrSenderNoExist)

	one, huge := big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), 252)
	for _, broken := range []brokenKeystore{{nil, one}, {one, nil}, {one, big.NewInt(-1)}, {huge, one}, {one, new(big.Int)}} {
		_, err := starknetgo.KeystoreSigner(broken, id, key.PublicKey()).Sign(t.Context(), chain.Uint(1))
		require.ErrorIs(t, err, wallet.ErrSignatureRange)
	}
}

// brokenAccount signs with these felts.
type brokenAccount struct {
	account.AccountInterface
	signature []*felt.Felt
}

func (b brokenAccount) Sign(context.Context, *felt.Felt) ([]*felt.Felt, error) {
	return b.signature, nil
}

func TestAccountSignerRefuses(t *testing.T) {
	public := newKey(t, 11).PublicKey()
	for name, c := range map[string]struct {
		signature []*felt.Felt
		want      error
	}{
		"nothing":             {nil, wallet.ErrSignatureSize},
		"one felt":            {uints(1), wallet.ErrSignatureSize},
		"three felts":         {uints(1, 2, 3), wallet.ErrSignatureSize},
		"no felt":             {[]*felt.Felt{uints(1)[0], nil}, wallet.ErrSignatureSize},
		"zero":                {uints(0, 1), wallet.ErrSignatureRange},
		"another's signature": {uints(1, 1), wallet.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := starknetgo.AccountSigner(brokenAccount{signature: c.signature}, public).Sign(t.Context(), chain.Uint(1))
			require.ErrorIs(t, err, c.want)
		})
	}
}
