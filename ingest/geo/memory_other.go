//go:build !unix

package geo

import (
	"io"
	"os"
)

func mapFile(file *os.File, sizeBytes int) ([]byte, error) {
	content := make([]byte, sizeBytes)
	_, err := io.ReadFull(file, content)
	return content, err
}

func reserve(int) []byte { return nil }

func forget([]byte) {}

func unmap([]byte) {}
