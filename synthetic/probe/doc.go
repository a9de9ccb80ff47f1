// Package probe makes HTTP requests without a browser and measures where their
// time goes. Every request has a connection of its own, so that each measures
// looking the name up, connecting and TLS anew.
package probe
