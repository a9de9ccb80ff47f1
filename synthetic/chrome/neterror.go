package chrome

import "strings"

// netError puts the browser's word for why it got no page before people. The word
// itself stands behind, since it can be looked up.
func netError(code string) string {
	name := strings.TrimPrefix(code, "net::ERR_")
	if name == code {
		return code
	}
	for _, known := range netErrors() {
		if strings.HasPrefix(name, known.prefix) {
			return known.words + " (" + code + ")"
		}
	}
	return code
}

type knownError struct{ prefix, words string }

// netErrors are the errors that sites cause. Of those whose names begin alike, the
// longer stands first.
func netErrors() []knownError {
	return []knownError{
		{"PROXY_CONNECTION_FAILED", "kept from the machine that runs the journey, see allow_hosts"}, // by the guard
		{"NAME_NOT_RESOLVED", "the name of the host is not known"},
		{"NAME_RESOLUTION_FAILED", "the name service does not answer"},
		{"CONNECTION_REFUSED", "the server refuses connections"},
		{"CONNECTION_RESET", "the server broke the connection off"},
		{"CONNECTION_CLOSED", "the server closed the connection"},
		{"CONNECTION_TIMED_OUT", "the server does not answer"},
		{"TIMED_OUT", "the server does not answer"},
		{"ADDRESS_UNREACHABLE", "the server's network cannot be reached"},
		{"INTERNET_DISCONNECTED", "there is no network"},
		{"NETWORK_CHANGED", "the network changed meanwhile"},
		{"EMPTY_RESPONSE", "the server answered nothing"},
		{"INVALID_HTTP_RESPONSE", "the server's answer is not HTTP"},
		{"INVALID_RESPONSE", "the server's answer is not valid"},
		{"RESPONSE_HEADERS_", "the head of the server's answer is not valid"},
		{"CONTENT_LENGTH_MISMATCH", "the server's answer is not whole"},
		{"INCOMPLETE_CHUNKED_ENCODING", "the server's answer is not whole"},
		{"TOO_MANY_REDIRECTS", "the redirects do not end"},
		{"INVALID_REDIRECT", "the redirect leads nowhere"},
		{"UNSAFE_REDIRECT", "the redirect leads where no page is"},
		{"CERT_AUTHORITY_INVALID", "the certificate is not from a known authority"},
		{"CERT_COMMON_NAME_INVALID", "the certificate is for another host"},
		{"CERT_DATE_INVALID", "the certificate has expired or is not valid yet"},
		{"CERT_REVOKED", "the certificate was revoked"},
		{"CERT_WEAK_", "the certificate is too weak"},
		{"CERT_", "the certificate is not valid"},
		{"SSL_", "no secure connection could be made"},
		{"BAD_SSL_CLIENT_AUTH_CERT", "the server wants another certificate of the client"},
		{"HTTP2_", "the server breaks the rules of HTTP/2"},
		{"QUIC_", "the server breaks the rules of QUIC"},
		{"BLOCKED_BY_CLIENT", "the journey does not allow it"},
		{"BLOCKED_BY_RESPONSE", "the server does not allow the page here"},
		{"UNSAFE_PORT", "browsers do not use this port"},
		{"UNKNOWN_URL_SCHEME", "the scheme of the address is not known"},
		{"ABORTED", "the navigation was broken off"},
		{"FILE_NOT_FOUND", "there is no such file"},
	}
}
