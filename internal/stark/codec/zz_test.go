package codec

import (
	"encoding/json"
	"fmt"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/internal/vectors"
	"github.com/klauspost/compress/zstd"
	"testing"
	"time"
)

func TestSizes(t *testing.T) {
	for _, dir := range []string{"stwo/proofs", "matmul"} {
		for _, n := range vectors.Dirs(t, dir) {
			var a struct{ Channel stark.Kind }
			json.Unmarshal(vectors.Read(t, dir, n, "AIR.json"), &a)
			raw := vectors.Read(t, dir, n, "PROOF.json")
			p, err := stark.ParseJSON(raw, a.Channel)
			if err != nil {
				t.Fatal(n, a, err)
			}
			b, err := Encode(p, a.Channel)
			if err != nil {
				t.Fatal(n, err)
			}
			f, _ := Calldata(p, a.Channel)
			s := fmt.Sprintf("%s json %d bin %d felts %d zstd %d:", n, len(raw), len(b), len(f), len(Compress(b)))
			for l := zstd.SpeedFastest; l <= zstd.SpeedBestCompression; l++ {
				e, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(l), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithAllLitEntropyCompression(true))
				e.EncodeAll(b, nil)
				t0 := time.Now()
				x := e.EncodeAll(b, nil)
				s += fmt.Sprintf(" %d(%v)", len(x), time.Since(t0))
			}
			fmt.Println(s)
		}
	}
}
