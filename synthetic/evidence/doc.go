// Package evidence keeps the evidence of journey runs where people find it: in a
// directory or in a bucket of an S3-compatible store, for a time that depends on
// how the run ended, and never more than a bound.
package evidence
