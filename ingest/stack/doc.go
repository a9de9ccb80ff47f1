// Package stack reads the stacks that browsers write, and says of an error
// which group it belongs to and whether it is a bug of the app at all.
//
// [Parse] reads the notations of Chrome (Edge, Opera), Firefox and Safari into
// [Frame] values, [Format] writes them in one notation, [Group] makes the
// fingerprint of an error and [Noise] tells errors that nobody can mend.
//
// The texts come from anybody. All functions take linear time, never panic,
// keep no state and are safe for concurrent use. Placeholders such as [id] or
// [email], which a scrubber left in place of something, count as what varies.
package stack
