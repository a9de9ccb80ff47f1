package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// BucketOptions names a bucket of an S3-compatible store. Endpoint and Bucket are
// required.
type BucketOptions struct {
	// Endpoint is the store's address, such as https://s3.eu-central-1.amazonaws.com.
	Endpoint string
	Bucket   string
	// Prefix starts the keys; may be empty.
	Prefix string
	// Region is what requests are signed for; default us-east-1.
	Region string
	// AccessKey and SecretKey may read, write, list and delete below the prefix.
	AccessKey, SecretKey string
	// PathStyle puts the bucket's name into the path of an address, not into its host.
	PathStyle bool
	// Transport is how requests are sent; nil is the library's own.
	Transport http.RoundTripper
}

// bucketTries is how often a request is sent that fails; what cannot be stored is
// no reason to hold up the next run.
const bucketTries = 2

// bucket is a place in an S3-compatible store.
type bucket struct {
	client       *minio.Client
	name, prefix string // the prefix is empty or ends with a slash
}

// NewBucket returns a store in a bucket, which must exist. It does not connect.
func NewBucket(o BucketOptions, options Options) (*Store, error) {
	endpoint, err := url.Parse(o.Endpoint)
	if err != nil || endpoint.Host == "" || endpoint.Scheme != "http" && endpoint.Scheme != "https" || o.Bucket == "" {
		return nil, errors.New("evidence bucket: needs a name, and the store's http or https address")
	}
	lookup := minio.BucketLookupAuto
	if o.PathStyle {
		lookup = minio.BucketLookupPath
	}
	region := o.Region
	if region == "" {
		region = "us-east-1" // asking for it would be one more right to give
	}
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds: credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""), Secure: endpoint.Scheme == "https",
		Region: region, BucketLookup: lookup, MaxRetries: bucketTries, Transport: o.Transport,
	})
	if err != nil {
		return nil, fmt.Errorf("evidence bucket: %w", err)
	}
	prefix := strings.Trim(o.Prefix, "/")
	if prefix != "" {
		prefix += "/"
	}
	return newStore(bucket{client, o.Bucket, prefix}, options), nil
}

func (b bucket) address(folder string) string { return "s3://" + b.name + "/" + b.prefix + folder }

// put stores the files one after the other, the page that shows them last.
func (b bucket) put(ctx context.Context, folder string, files []file) error {
	for _, f := range files {
		key := b.prefix + folder + "/" + f.name
		_, err := b.client.PutObject(ctx, b.name, key, bytes.NewReader(f.data), int64(len(f.data)), minio.PutObjectOptions{ContentType: f.contentType})
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

func (b bucket) list(ctx context.Context) ([]stored, error) {
	ctx, cancel := context.WithCancel(ctx) // ends the listing when it is left
	defer cancel()
	var runs []stored
	for object := range b.client.ListObjects(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true}) {
		if object.Err != nil {
			return nil, object.Err
		}
		folder, name := path.Split(strings.TrimPrefix(object.Key, b.prefix))
		folder = strings.TrimSuffix(folder, "/")
		// Keys come in order, so those of a folder follow each other.
		if len(runs) == 0 || runs[len(runs)-1].folder != folder {
			runs = append(runs, stored{folder: folder})
		}
		run := &runs[len(runs)-1]
		run.files, run.bytes = append(run.files, name), run.bytes+object.Size
	}
	return runs, ctx.Err()
}

func (b bucket) remove(ctx context.Context, run stored) error {
	for _, name := range run.files {
		if err := b.client.RemoveObject(ctx, b.name, b.prefix+run.folder+"/"+name, minio.RemoveObjectOptions{}); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// tidy has nothing to do: what was stored in part is listed, and removed in its
// time.
func (b bucket) tidy(context.Context, time.Time) error { return nil }
