package evidence

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// fakeS3 is as much of an S3-compatible store as ours uses, path-style.
type fakeS3 struct {
	*httptest.Server

	mu      sync.Mutex
	objects map[string][]byte // by bucket/key
	types   map[string]string
	// authorization is that of the last request.
	authorization string
	refuse        bool
}

// pageSize is small, so that listings have several pages.
const pageSize = 3

func newFakeS3(t *testing.T) *fakeS3 {
	t.Helper()
	fake := &fakeS3{objects: map[string][]byte{}, types: map[string]string{}}
	fake.Server = httptest.NewServer(fake)
	t.Cleanup(fake.Close)
	return fake
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.authorization = r.Header.Get("Authorization")
	key := strings.TrimPrefix(r.URL.Path, "/")
	switch {
	case f.refuse || f.authorization == "":
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<Error><Code>AccessDenied</Code><Message>no</Message></Error>`)
	case r.Method == http.MethodPut:
		data, err := body(r)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		f.objects[key], f.types[key] = data, r.Header.Get("Content-Type")
		w.Header().Set("ETag", `"1"`)
	case r.Method == http.MethodDelete:
		delete(f.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "2":
		f.list(w, strings.TrimSuffix(key, "/"), r.URL.Query().Get("prefix"), r.URL.Query().Get("continuation-token"))
	default:
		w.WriteHeader(http.StatusNotImplemented)
	}
}

// body reads what was sent, in signed chunks or whole.
func body(r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return io.ReadAll(r.Body)
	}
	var data bytes.Buffer
	reader := bufio.NewReader(r.Body)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return nil, err
		}
		length, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		size, err := strconv.ParseInt(length, 16, 64)
		if err != nil || size == 0 {
			return data.Bytes(), err
		}
		if _, err := io.CopyN(&data, reader, size); err != nil {
			return nil, err
		}
		if _, err := reader.Discard(2); err != nil {
			return nil, err
		}
	}
}

func (f *fakeS3) list(w io.Writer, bucket, prefix, after string) {
	type object struct {
		Key          string
		Size         int
		LastModified string
		ETag         string
	}
	result := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Name                  string
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []object
	}{Name: bucket}
	for _, name := range slices.Sorted(maps.Keys(f.objects)) {
		key, mine := strings.CutPrefix(name, bucket+"/")
		if !mine || !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		if len(result.Contents) == pageSize {
			result.IsTruncated, result.NextContinuationToken = true, result.Contents[pageSize-1].Key
			break
		}
		result.Contents = append(result.Contents, object{key, len(f.objects[name]), "2026-11-29T12:00:00.000Z", `"1"`})
	}
	_ = xml.NewEncoder(w).Encode(result)
}
