//go:build unix

package geo

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps a file to be read. Reading behind its end, if it gets shorter,
// faults.
func mapFile(file *os.File, sizeBytes int) ([]byte, error) {
	return unix.Mmap(int(file.Fd()), 0, sizeBytes, unix.PROT_READ, unix.MAP_SHARED)
}

// reserve returns memory that the garbage collector does not know: a table of
// some 20 MB that lives for days would let it keep twice that of garbage. Pages
// that are not written take no memory. If there is none, that is nil: appending to
// it does as well.
func reserve(sizeBytes int) []byte {
	memory, err := unix.Mmap(-1, 0, sizeBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil
	}
	return memory
}

// forget gives back the memory of a mapped file; what is read again is there
// again. Any other memory would be zeros afterwards.
func forget(mapped []byte) { _ = unix.Madvise(mapped, unix.MADV_DONTNEED) }

// unmap ends what mapFile or reserve has begun.
func unmap(memory []byte) { _ = unix.Munmap(memory) }
