package queue

// InMemory puts the log on a disk in memory, of which fail decides whether an
// operation fails: "open", "sync", "write", "truncate" or "datasync".
func (o Options) InMemory(fail func(operation string) error) Options {
	disk := newMemDisk()
	disk.fail = fail
	o.disk = disk
	return o
}
