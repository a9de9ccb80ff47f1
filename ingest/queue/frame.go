package queue

import (
	"encoding/binary"
	"hash/crc32"
	"time"
)

// A frame is one record in a segment; FORMAT.md describes its bytes.
const (
	frameHeaderBytes = 24
	frameAlign       = 8
)

func castagnoli(crc uint32, p []byte) uint32 {
	return crc32.Update(crc, crc32.MakeTable(crc32.Castagnoli), p)
}

// frameHeader is what stands before a record.
type frameHeader struct {
	length     int
	events     int
	payloadCRC uint32
	at         time.Time // when it was enqueued
}

// frameBytes is what a record of that length takes in a segment.
func frameBytes(length int) int {
	return (frameHeaderBytes + length + frameAlign - 1) &^ (frameAlign - 1)
}

// seal fills in the header of a frame that stands at that position of the log;
// its record is in place behind the header.
func seal(frame []byte, id logID, at Position, h frameHeader) {
	binary.LittleEndian.PutUint32(frame[4:], uint32(h.length))
	binary.LittleEndian.PutUint32(frame[8:], uint32(h.events))
	binary.LittleEndian.PutUint32(frame[12:], castagnoli(0, frame[frameHeaderBytes:frameHeaderBytes+h.length]))
	binary.LittleEndian.PutUint64(frame[16:], uint64(h.at.UnixMilli()))
	binary.LittleEndian.PutUint32(frame, headerCRC(frame, id, at))
}

// headerCRC is seeded with the log and the position, so that bytes which are
// left over from elsewhere, or which a sender made look like a frame, are none.
func headerCRC(frame []byte, id logID, at Position) uint32 {
	var seed [16]byte
	copy(seed[:], id[:])
	binary.LittleEndian.PutUint64(seed[8:], uint64(at))
	return castagnoli(castagnoli(0, seed[:]), frame[4:frameHeaderBytes])
}

// readFrameHeader returns the header of the frame at that position, and false
// if there is none.
func readFrameHeader(frame []byte, id logID, at Position, maxRecordBytes int) (frameHeader, bool) {
	if len(frame) < frameHeaderBytes || binary.LittleEndian.Uint32(frame) != headerCRC(frame, id, at) {
		return frameHeader{}, false
	}
	h := frameHeader{
		length:     int(binary.LittleEndian.Uint32(frame[4:])),
		events:     int(binary.LittleEndian.Uint32(frame[8:])),
		payloadCRC: binary.LittleEndian.Uint32(frame[12:]),
		at:         time.UnixMilli(int64(binary.LittleEndian.Uint64(frame[16:]))),
	}
	return h, h.length > 0 && h.length <= maxRecordBytes
}
