// Package chrome drives headless Chrome. It is the only package that knows the
// DevTools protocol and its client.
//
// [Find] finds an installed browser, [Launch] starts it, [Browser.NewPage] opens
// a page with storage of its own, and the methods of [Page] use it as a person
// would: they wait until an element can be used, press real buttons and keys,
// and wait for the navigation that follows. [Page.In] leads into popups and frames.
//
// A page is made of tabs: its own, its popups, and the frames that have a process of
// their own. Each has a session; what opens by itself waits on a second line to the
// browser until it is prepared as the page was, so that no script of it runs before.
// (In a popup that a script of its own site opened, the init script runs when its
// document appears, perhaps after a first inline script.) What the events of all tabs
// tell is in one state, by frame.
//
// Pages are taken for hostile. What they send is bounded, their dialogs are
// dismissed, their downloads refused, their popups closed beyond a number, the
// agent's own machine is out of their reach, and scripts that look into them run in
// a world that the page cannot reach. The browser gets an environment of its own and a
// profile that is removed when it ends.
package chrome
