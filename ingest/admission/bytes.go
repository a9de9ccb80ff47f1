package admission

import "sync/atomic"

// pool bounds the memory of all bodies that are under way, and shares them: an
// app may hold as many as are free besides. One app alone gets half of them, two
// a third each, and some are always left for the next. The rule is that of
// dynamic thresholds (Choudhury and Hahne, IEEE/ACM Transactions on Networking
// 6(2), 1998) with a factor of one.
type pool struct {
	max  int64
	held atomic.Int64
}

// share is the part of an app in the pool.
type share struct {
	pool *pool
	held atomic.Int64
}

// Hold counts bytes that a body takes; it returns a *[Refusal] when the
// app holds its share. They are counted in any case, until [Account.Free].
func (a *Account) Hold(sizeBytes int) error {
	total := a.bytes.pool.held.Add(int64(sizeBytes))
	if a.bytes.held.Add(int64(sizeBytes)) > a.bytes.pool.max-total {
		return a.busy("the app has too many bodies under way")
	}
	return nil
}

// Free takes back bytes that were counted by [Account.Hold].
func (a *Account) Free(sizeBytes int) {
	a.bytes.held.Add(-int64(sizeBytes))
	a.bytes.pool.held.Add(-int64(sizeBytes))
}
