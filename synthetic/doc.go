// Package synthetic runs scheduled browser journeys.
//
// Life of a run:
//
//  1. [LoadFile] reads a journey from YAML or from a Chrome DevTools Recorder
//     file into a [Journey] of typed steps.
//  2. The [Scheduler] computes the journey's slots and hands each to a worker,
//     or reports it as skipped.
//  3. [Runner.Run] resolves the journey's variables, opens a fresh page in a warm
//     browser, injects the same beacon that real users load, and executes the
//     steps one after the other.
//  4. What the page's beacon measured, and one report about the run itself, go to
//     a [Reporter]. Every slot leaves exactly one run report, whatever happens;
//     only slots that passed while the machine slept leave none.
//
// The package knows nothing of Chrome or HTTP: pages are reached through [Page],
// which package chrome implements, and reports leave through [Reporter], which
// package report implements.
package synthetic
