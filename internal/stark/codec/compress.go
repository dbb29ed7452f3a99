package codec

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// MaxCompressed is the largest size of compressed data: a frame of incompressible
// blocks is longer than its contents by its headers.
const MaxCompressed = MaxBytes + 64

// window is the largest distance of a match: all of the data.
const window = MaxBytes

// The coders start no goroutine and serialize their callers. They are made when first used:
// programs that compress nothing link no Zstandard.
var (
	encoderOnce, decoderOnce sync.Once
	madeEncoder              *zstd.Encoder
	madeDecoder              *zstd.Decoder
)

func encoder() *zstd.Encoder {
	encoderOnce.Do(func() {
		var err error // for options out of range only
		madeEncoder, err = zstd.NewWriter(nil,
			zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderLevel(zstd.SpeedDefault),
			zstd.WithWindowSize(window),
			zstd.WithLowerEncoderMem(true),
			zstd.WithSingleSegment(true),
			zstd.WithZeroFrames(true),
			zstd.WithEncoderCRC(false))
		if err != nil {
			panic(err)
		}
	})
	return madeEncoder
}

func decoder() *zstd.Decoder {
	decoderOnce.Do(func() {
		var err error
		madeDecoder, err = zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(window),
			zstd.WithDecoderMaxMemory(MaxBytes))
		if err != nil {
			panic(err)
		}
	})
	return madeDecoder
}

// Compress returns data, of at most [MaxBytes], as one Zstandard frame. Equal
// data gives equal frames with one version of this module only: what names a
// proof is the [Hash] of its binary form, never of a frame.
func Compress(data []byte) []byte {
	return encoder().EncodeAll(data, nil)
}

// Decompress undoes [Compress], and accepts the frame of any Zstandard encoder
// that states the size of its contents and uses a single segment. It fails with
// a [*FormatError] for anything but one such frame of at most MaxBytes of
// contents. It allocates little more than the contents' stated size.
func Decompress(data []byte) ([]byte, error) {
	size, err := checkFrame(data)
	if err != nil {
		return nil, err
	}
	out, err := decoder().DecodeAll(data, make([]byte, 0, size))
	if err != nil || len(out) != size {
		return nil, &FormatError{-1, "frame", ErrCompression}
	}
	return out, nil
}

// checkFrame checks that data is one frame of the accepted kind, without looking
// into its blocks, and returns the size of the contents.
func checkFrame(data []byte) (size int, err error) {
	refuse := func(offset int, field string, reason error) (int, error) {
		return 0, &FormatError{offset, field, reason}
	}
	if len(data) > MaxCompressed {
		return refuse(MaxCompressed, "frame", ErrTooLarge)
	}
	var h zstd.Header
	if h.Decode(data) != nil || h.Skippable || h.DictionaryID != 0 || !h.SingleSegment || !h.HasFCS {
		return refuse(0, "frame header", ErrCompression)
	}
	if h.FrameContentSize > MaxBytes {
		return refuse(0, "frame contents", ErrTooLarge)
	}
	end, ok := blocksEnd(data, h.HeaderSize)
	if h.HasCheckSum {
		end += 4
	}
	switch {
	case !ok || end > len(data):
		return refuse(len(data), "frame", ErrTruncated)
	case end < len(data):
		return refuse(end, "frame", ErrTrailing)
	}
	return int(h.FrameContentSize), nil
}

// blocksEnd walks over the blocks that start at pos and returns the end of the
// last one, which may lie beyond data (RFC 8878, section 3.1.1.2).
func blocksEnd(data []byte, pos int) (end int, ok bool) {
	for pos+3 <= len(data) {
		header := int(data[pos]) | int(data[pos+1])<<8 | int(data[pos+2])<<16
		last, kind, size := header&1 == 1, header>>1&3, header>>3
		if kind == 1 { // a repeated byte
			size = 1
		}
		if pos += 3 + size; last {
			return pos, true
		}
	}
	return 0, false
}
