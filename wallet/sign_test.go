package wallet

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/bitsage/bitsage/chain/felt"
)

const maxHash = "0x7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" // 2^251 - 1

// TestScureEdges compares signatures under testKey with @scure/starknet 2.4.0 at
// the edges of the hash's range, and for two hashes whose nonce begins with a zero
// byte, where that library departs from RFC 6979.
func TestScureEdges(t *testing.T) {
	key := testKey()
	for _, c := range []struct{ hash, r, s string }{
		{"0x0", "0x026fa80ebe1034a98f1e12a084ad675d43cfa7380a1cf8cdf629fb176681abe6", "0x06a292eaeeaefb49c42a5aec211a326d68a952c9e3d1222d76107a393a1bc94a"},
		{"0x1", "0x03d8032c12c7341380231d9827a70231d7e7103fb878f2a6eb1de2eee30c9226", "0x02b6ea4d92809475e4a778a831e3181a9690c169cefb0ce56c24a7c6ea4faa03"},
		{"0x80000000000000000000000000000000000000000000000000000000000000", "0x006bba7ada32ad56c230ccf8057673f28f6db8e0ab8ed571e613d7851dac6450", "0x01e6292ed59991382a5daf8dfc18fbf3ec7b7a5939cf8ad585d5bf65387160de"},
		{"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "0x0723a1243caeee8bb2e250fde27695e8e8d5e94ca9d2abd5cc9a8cf17987eb9c", "0x0286db4a77950fe62a39cea943d9027e26bd398bacc026f51477696d0ebdf1ca"},
		{"0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe", "0x07dec3c6f524308c71591636b08d4ffa9c59d3c81c8db295f2fa16d1f07430a1", "0x0329c21259ee9b84c907ab47d2dd1fc648d4a6df966cf3ae227c914d898c05f2"},
		{maxHash, "0x026de1a20c261b3cb0189420545f3715350ba7c9ed2d805728da21a21c25a8a9", "0x0493645b1ecdf342b8c3d2dc1d1ccfa39a81195f6506b621fea665022c549811"},
		{"0xa3", "0x056d6d4f274f0a86ff8d90cc2aceaf44be07cc83e67f6dd88913f2e83b022233", "0x0419da5c7f708d29db496d56ad3f0ca71f5be48815f594dbe6f788ebb0a6427f"},
		{"0xed", "0x00b094772b4d59e6773bca8deeb7c2716b9d7787712274485446bb3d389e6047", "0x05d5e40b6cfe0acd8da65d8ec8f58645fb47bf0c17d19c7f23708d3dd435bb7d"},
	} {
		hash := felt.MustParse(c.hash)
		sig := sign(t, key, hash)
		if sig.R.Padded() != c.r || sig.S.Padded() != c.s {
			t.Errorf("hash %s: signature %x", c.hash, sig.Bytes())
		}
		assert.NoError(t, Verify(key.PublicKey(), hash, sig), "hash %s", c.hash)
	}
}

func TestSignRefuses(t *testing.T) {
	key, ctx := testKey(), context.Background()
	for _, h := range []string{"0x800000000000000000000000000000000000000000000000000000000000000", "0x800000000000011000000000000000000000000000000000000000000000000"} {
		if _, err := key.Sign(ctx, felt.MustParse(h)); !errors.Is(err, ErrHashRange) {
			t.Errorf("hash %s: got %v", h, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := key.Sign(ended, felt.Felt{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: got %v", err)
	}
	if _, err := (Key{}).Sign(ctx, felt.Felt{}); !errors.Is(err, ErrNoKey) {
		t.Errorf("empty key: got %v", err)
	}
}
