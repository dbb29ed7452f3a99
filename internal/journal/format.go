package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A file is a head and records, numbers being big-endian:
//
//	head    magic (8) | sequence number of the first record (8) | CRC-32C of these 16 bytes (4)
//	record  data length (4) | type (1) | sequence number (8) | place in its batch (4) |
//	        CRC-32C of the data (4) | CRC-32C of these 21 bytes (4) | data
//
// A batch is what one Sync wrote. It is written only once the batches before it
// are on the disk, so record s at place b proves that all records before s-b were
// acknowledged.
const (
	magic      = "BSJOURN\x01"
	headSize   = 20
	frameSize  = 25
	blockSize  = 512 // what a disk writes as a whole
	frameCheck = frameSize - 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Record is an entry of a journal.
type Record struct {
	Seq  uint64 // number in the journal, from 1 on without gaps
	Type byte   // what the data is, for the journal's user
	Data []byte
}

// ErrDamaged means that a file is no journal, or that a part of it was changed or
// lost after it had reached the disk. The error is a *DamageError.
var ErrDamaged = errors.New("journal: damaged")

// DamageError says where a journal is damaged. It matches ErrDamaged.
type DamageError struct {
	Offset int64 // of the record, or 0 for the head of the file
	Reason string
}

// Error implements error.
func (e *DamageError) Error() string {
	return fmt.Sprintf("journal: damaged at byte %d: %s", e.Offset, e.Reason)
}

// Unwrap returns ErrDamaged.
func (e *DamageError) Unwrap() error { return ErrDamaged }

func appendHead(b []byte, first uint64) []byte {
	start := len(b)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint64(b, first)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

func appendRecord(b []byte, r Record, place uint32) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Data)))
	b = append(b, r.Type)
	b = binary.BigEndian.AppendUint64(b, r.Seq)
	b = binary.BigEndian.AppendUint32(b, place)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(r.Data, castagnoli))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
	return append(b, r.Data...)
}

// frame is the fixed part of a record.
type frame struct {
	size  int64 // of the data
	kind  byte
	seq   uint64
	place uint32
	sum   uint32
}

// readFrame reads a frame whose own checksum is right.
func readFrame(b []byte) (frame, bool) {
	if len(b) < frameSize || binary.BigEndian.Uint32(b[frameCheck:]) != crc32.Checksum(b[:frameCheck], castagnoli) {
		return frame{}, false
	}
	return frame{
		size:  int64(binary.BigEndian.Uint32(b)),
		kind:  b[4],
		seq:   binary.BigEndian.Uint64(b[5:]),
		place: binary.BigEndian.Uint32(b[13:]),
		sum:   binary.BigEndian.Uint32(b[17:]),
	}, true
}

// data returns the record's data if it is all there and unchanged.
func (f *frame) data(b []byte) ([]byte, bool) {
	if int64(len(b))-frameSize < f.size {
		return nil, false
	}
	data := b[frameSize : frameSize+f.size]
	return data, crc32.Checksum(data, castagnoli) == f.sum
}

// parse reads a file: it calls yield for the records in order and returns the
// number of the next one and the length of what is good. Bytes beyond that length
// are a torn tail. It fails with a *DamageError.
//
// The first place where no good record starts is a torn tail if it looks like an
// unfinished write, and if no later record proves that what was there had been
// acknowledged. An unfinished write lacks its end or, as blocks of a grown file
// reach the disk in any order, has a block of zeros. Nothing else is repaired: a
// record that is complete but wrong was changed, and dropping it could drop what
// somebody relies on.
func parse(file []byte, yield func(Record) bool) (next uint64, good int64, err error) {
	if len(file) < headSize || string(file[:len(magic)]) != magic ||
		binary.BigEndian.Uint32(file[headSize-4:]) != crc32.Checksum(file[:headSize-4], castagnoli) {
		return 0, 0, &DamageError{0, "no journal's head"}
	}
	next, good = binary.BigEndian.Uint64(file[len(magic):]), headSize
	for good < int64(len(file)) {
		rest := file[good:]
		f, ok := readFrame(rest)
		if ok && f.seq != next {
			return next, good, &DamageError{good, fmt.Sprintf("record %d in the place of %d", f.seq, next)}
		}
		data, whole := f.data(rest)
		if !ok || !whole {
			return next, good, tail(file, good, next, ok && frameSize+f.size > int64(len(rest)))
		}
		if !yield(Record{f.seq, f.kind, data}) {
			return next, good, nil
		}
		next++
		good += frameSize + f.size
	}
	return next, good, nil
}

// tail returns nil if the file's end from an offset on is torn.
func tail(file []byte, offset int64, seq uint64, cut bool) error {
	if !cut && int64(len(file))-offset >= frameSize && !zeroBlock(file, offset) {
		return &DamageError{offset, "a complete record with a wrong checksum"}
	}
	for i := offset + 1; i+frameSize <= int64(len(file)); i++ {
		f, ok := readFrame(file[i:])
		if !ok || f.seq <= seq || f.seq-uint64(f.place) <= seq {
			continue
		}
		if _, whole := f.data(file[i:]); whole {
			return &DamageError{offset, fmt.Sprintf("lost record %d, which was on the disk before record %d", seq, f.seq)}
		}
	}
	return nil
}

// zeroBlock reports whether a block of the disk that has a part beyond the offset
// holds only zeros there.
func zeroBlock(file []byte, offset int64) bool {
	for offset < int64(len(file)) {
		end := min((offset/blockSize+1)*blockSize, int64(len(file)))
		if allZero(file[offset:end]) {
			return true
		}
		offset = end
	}
	return false
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
