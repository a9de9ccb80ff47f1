// Package chrome drives headless Chrome. It is the only package that knows the
// DevTools protocol and its client.
//
// [Find] finds an installed browser, [Launch] starts it, [Browser.NewPage] opens
// a page with storage of its own, and the methods of [Page] use it as a person
// would: they wait until an element can be used, press real buttons and keys,
// and wait for the navigation that follows.
//
// Pages are taken for hostile. What they send is bounded, their dialogs are
// dismissed, their popups closed as soon as they appear, their downloads refused,
// and scripts that look into them run in a world that the page cannot reach. A
// page is one tab: no step can go on in a popup. The browser gets an environment of its own
// and a profile that is removed when it ends.
package chrome
