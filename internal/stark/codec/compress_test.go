package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// frame returns a Zstandard frame of one segment that claims size bytes.
func frame(size uint32, blocks ...[]byte) []byte {
	out := []byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0} // 4-byte content size, single segment
	out = binary.LittleEndian.AppendUint32(out, size)
	return append(out, bytes.Join(blocks, nil)...)
}

// block returns a block of the given type: 0 raw, 1 repeated byte, 2 compressed.
func block(kind, size int, last bool, body string) []byte {
	header := size<<3 | kind<<1
	if last {
		header |= 1
	}
	return append([]byte{byte(header), byte(header >> 8), byte(header >> 16)}, body...)
}

func TestCompress(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	random := make([]byte, MaxBytes)
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	for _, n := range []int{0, 1, 255, 256, 1023, 1024, 1025, 65536, 65791, 128 << 10, 128<<10 + 1, MaxBytes - 1, MaxBytes} {
		for _, data := range [][]byte{random[:n], make([]byte, n)} {
			packed := Compress(data)
			if len(packed) > MaxCompressed || len(packed) > n+64 {
				t.Errorf("%d bytes become %d", n, len(packed))
			}
			if again := Compress(data); !bytes.Equal(again, packed) {
				t.Errorf("%d bytes: two different frames", n)
			}
			if got, err := Decompress(packed); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes do not survive: %v", n, err)
			}
		}
	}
	// Frames by eye: "abc" raw, then 300 zeros with an empty block before.
	for want, data := range map[string][]byte{
		"abc":                     frame(3, block(0, 3, true, "abc")),
		string(make([]byte, 300)): frame(300, block(0, 0, false, ""), block(1, 300, true, "\x00")),
	} {
		if got, err := Decompress(data); err != nil || string(got) != want {
			t.Errorf("Decompress(%x) = %x, %v", data, got, err)
		}
	}
}

// TestForeignEncoder accepts frames with a checksum and of every level.
func TestForeignEncoder(t *testing.T) {
	g := smallest(t)
	data := mustEncode(t, g.proof, g.kind)
	for level := zstd.SpeedFastest; level <= zstd.SpeedBestCompression; level++ {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithSingleSegment(true), zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		packed := e.EncodeAll(data, nil)
		if got, err := Decompress(packed); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%v: %v", level, err)
		}
		packed[len(packed)-1] ^= 1 // of the checksum
		_, err = Decompress(packed)
		checkRefusal(t, err, "frame", ErrCompression)
		_, err = Decompress(packed[:len(packed)-1])
		checkRefusal(t, err, "frame", ErrTruncated)
	}
}

func TestDecompressRefuses(t *testing.T) {
	abc := frame(3, block(0, 3, true, "abc"))
	skippable := append([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0}, "skip"...)
	const full = 128 << 10
	bomb := make([][]byte, 3)
	for i := range bomb {
		bomb[i] = block(1, full, i == len(bomb)-1, "\x00")
	}
	tests := map[string]struct {
		data  []byte
		field string
		want  error
	}{
		"empty":              {nil, "frame header", ErrCompression},
		"not Zstandard":      {[]byte("BSPF is not compressed"), "frame header", ErrCompression},
		"skippable":          {skippable, "frame header", ErrCompression},
		"skippable first":    {append(skippable, abc...), "frame header", ErrCompression},
		"skippable last":     {append(bytes.Clone(abc), skippable...), "frame", ErrTrailing},
		"second frame":       {append(bytes.Clone(abc), abc...), "frame", ErrTrailing},
		"trailing byte":      {append(bytes.Clone(abc), 0), "frame", ErrTrailing},
		"windowed":           {[]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x01, 0, 0}, "frame header", ErrCompression},
		"dictionary":         {[]byte{0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 1, 9, 0, 0, 'x'}, "frame header", ErrCompression},
		"reserved bit":       {[]byte{0x28, 0xb5, 0x2f, 0xfd, 0x28, 1, 9, 0, 0, 'x'}, "frame header", ErrCompression},
		"reserved block":     {frame(3, block(3, 3, true, "abc")), "frame", ErrCompression},
		"claims more":        {frame(4, block(0, 3, true, "abc")), "frame", ErrCompression},
		"claims less":        {frame(2, block(0, 3, true, "abc")), "frame", ErrCompression},
		"claims too much":    {frame(MaxBytes+1, bomb...), "frame contents", ErrTooLarge},
		"claims 4 GiB":       {frame(1<<32-1, bomb...), "frame contents", ErrTooLarge},
		"bomb":               {frame(MaxBytes, bomb...), "frame", ErrCompression},
		"small bomb":         {frame(0, bomb...), "frame", ErrCompression},
		"broken block":       {frame(3, block(2, 3, true, "abc")), "frame", ErrCompression},
		"no last block":      {frame(3, block(0, 3, false, "abc")), "frame", ErrTruncated},
		"block beyond":       {frame(9, block(0, 9, true, "abc")), "frame", ErrTruncated},
		"oversized":          {frame(MaxBytes, make([]byte, MaxCompressed)), "frame", ErrTooLarge},
		"a great many empty": {frame(0, bytes.Repeat(block(0, 0, false, ""), 80000)), "frame", ErrTruncated},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			Compress(nil) // set the coders up
			if _, err := Decompress(abc); err != nil {
				t.Fatal(err)
			}
			var got []byte
			var err error
			n := allocated(func() { got, err = Decompress(test.data) })
			if got != nil {
				t.Errorf("%d bytes beside the error", len(got))
			}
			checkRefusal(t, err, test.field, test.want)
			if n > 3*MaxBytes {
				t.Errorf("%d bytes allocate %d", len(test.data), n)
			}
		})
	}
}

// TestDecompressTruncation cuts a frame at every byte.
func TestDecompressTruncation(t *testing.T) {
	g := smallest(t)
	packed := Compress(mustEncode(t, g.proof, g.kind))
	for n := range packed {
		_, err := Decompress(packed[:n])
		if !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrCompression) {
			t.Fatalf("%d of %d bytes: %v", n, len(packed), err)
		}
	}
}

// TestCompressConcurrently shares the coders, and looks for goroutines that they
// leave behind.
func TestCompressConcurrently(t *testing.T) {
	g := smallest(t)
	data := mustEncode(t, g.proof, g.kind)
	want := Compress(data)
	before := runtime.NumGoroutine()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				packed := Compress(data)
				got, err := Decompress(packed)
				if err != nil || !bytes.Equal(packed, want) || !bytes.Equal(got, data) {
					t.Errorf("wrong data: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}
