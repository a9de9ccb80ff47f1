// Package engine runs a ClickHouse of its own as a supervised child process,
// for machines that have no ClickHouse server.
//
// The engine is the shared library libchdb.so ([FindLibrary]). Its function
// chdb_query_cmdline is the command line of "clickhouse local", which can open
// listeners and so becomes a server: native protocol and HTTP, on loopback. It
// runs in a child process because it may abort, and because it takes over
// signals and memory of the process that loads it.
//
// [Start] is the supervisor. It locks the data directory, writes the engine's
// configuration, starts the child, waits until it answers, starts it again
// with growing pauses whenever it dies, and ends it with [Engine.Close].
// [RunChild] is the whole of the child. The two share one pipe: the supervisor
// writes what to run into it and keeps it open, and the child exits when it is
// closed, which also happens when the supervisor is killed. The child inherits
// the lock too, so that the directory stays locked until both are gone.
//
// What such an engine cannot do is told in README.md.
package engine
