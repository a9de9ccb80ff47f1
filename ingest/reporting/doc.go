// Package reporting reads what browsers report by themselves, without a script in
// the page: violations of the Content Security Policy and of other policies,
// deprecations, interventions, crashes, and requests that failed before any script
// could see it.
//
// The bodies are those of the Reporting API (https://www.w3.org/TR/reporting-1/), of
// Network Error Logging (https://www.w3.org/TR/network-error-logging/), which uses it,
// and of the older report-uri of the Content Security Policy
// (https://www.w3.org/TR/CSP3/#deprecated-serialize-violation). [Decode] turns each
// report into a beacon.Error or a beacon.Request:
//
//	type                            becomes           its type, or error
//	csp-violation, csp-report       ErrorCSPViolation the effective directive
//	deprecation                     ErrorDeprecation  its id
//	intervention                    ErrorIntervention its id
//	crash                           ErrorCrash        the reason, or crash
//	permissions-policy-violation    ErrorPolicy       the feature
//	document-policy-violation       ErrorPolicy       the policy
//	coop, coep, integrity-violation ErrorPolicy       the type of the report
//	network-error                   Request           NEL's type, such as tcp.timed_out
//	any other                       ErrorReport       the type of the report
//
// What may be secret or says who a person is does not get through: referrers, whole
// policies, samples of scripts, headers, addresses of servers, ids of extensions,
// and credentials, query and fragment of every URL. Of types that are not known the
// body is not read at all. The messages of deprecations, interventions and policies
// and the stacks of crashes are texts like those of JavaScript errors: whoever stores
// them scrubs them (package scrub).
//
// A sampling_fraction is not made up for: a report is one request, whatever share of
// them the browser was told to report.
//
// The package knows nothing of HTTP, apps or storage.
package reporting
