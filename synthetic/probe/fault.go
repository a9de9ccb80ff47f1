package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"throughline/beacon"
	"throughline/synthetic"
)

// Cause classes why a request got no answer.
type Cause string

// The causes.
const (
	CauseDNS           Cause = "dns"
	CauseRefused       Cause = "refused"
	CauseUnreachable   Cause = "unreachable"
	CauseClosed        Cause = "closed"
	CauseTimeout       Cause = "timeout"
	CauseTLSExpired    Cause = "tls_expired"
	CauseTLSSelfSigned Cause = "tls_self_signed"
	CauseTLSUnknown    Cause = "tls_unknown_authority"
	CauseTLSHost       Cause = "tls_wrong_host"
	CauseTLS           Cause = "tls"
	CauseRedirectLoop  Cause = "redirect_loop"
	CauseRedirects     Cause = "too_many_redirects"
	CauseGuarded       Cause = "guarded"
	CauseCancelled     Cause = "cancelled"
	CauseOther         Cause = "other"
)

// maxForeignBytes bounds what a message holds of what others have written.
const maxForeignBytes = 200

// Error is why a request got no answer. Its text is for people and holds neither
// the address's query nor what was sent.
type Error struct {
	Cause Cause
	Text  string
	Err   error
}

func (e *Error) Error() string { return e.Text }

func (e *Error) Unwrap() error { return e.Err }

// fault says for people why a request to an address failed in a phase, and how
// many days are left of the certificate, if that is to blame.
func (p *Prober) fault(ctx context.Context, address string, at phase, err error) (fault *synthetic.Fault, daysLeft *int) {
	host := hostOf(address, err)
	trouble := &Error{Err: err}
	trouble.Cause, trouble.Text = transportTrouble(err)
	if trouble.Cause == CauseOther {
		trouble.Cause, trouble.Text, daysLeft = p.tlsTrouble(err)
	}
	reason := beacon.ReasonNavigation
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		reason, trouble.Cause, trouble.Text = beacon.ReasonCancelled, CauseCancelled, "cancelled"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), ctx.Err() != nil:
		reason, trouble.Cause = beacon.ReasonTimeout, CauseTimeout
		trouble.Text = "no answer in time, still " + at.String()
	}
	if host != "" {
		trouble.Text = host + ": " + trouble.Text
	}
	return &synthetic.Fault{Reason: reason, Message: trouble.Text, Err: trouble}, daysLeft
}

// hostOf is the host that failed, which after a redirect is not the address's.
func hostOf(address string, err error) string {
	var failed *url.Error
	if errors.As(err, &failed) {
		address = failed.URL
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// transportTrouble tells what went wrong below TLS, and with redirects.
func transportTrouble(err error) (Cause, string) {
	var dns *net.DNSError
	switch {
	case errors.Is(err, errLoop):
		return CauseRedirectLoop, "the redirects go round in a loop"
	case errors.Is(err, errTooMany):
		return CauseRedirects, "more redirects than the step follows"
	case errors.Is(err, errGuarded):
		return CauseGuarded, errGuarded.Error() + ", and the journey does not name the host"
	case errors.As(err, &dns) && dns.IsNotFound:
		return CauseDNS, "DNS knows no such host"
	case errors.As(err, &dns):
		return CauseDNS, "DNS did not answer: " + shorten(dns.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return CauseRefused, "the connection was refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return CauseUnreachable, "the host cannot be reached"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return CauseClosed, "the connection was closed before the answer ended"
	}
	return CauseOther, ""
}

// tlsTrouble tells what is wrong with TLS; everything else in the error's own words.
func (p *Prober) tlsTrouble(err error) (cause Cause, text string, daysLeft *int) {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var other x509.HostnameError
	var plain tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	var alert tls.AlertError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		cause, text, daysLeft = p.expired(invalid.Cert)
		return cause, text, daysLeft
	case errors.As(err, &other):
		return CauseTLSHost, fmt.Sprintf("the certificate is for %s, not for %s", namesOf(other.Certificate), other.Host), nil
	case errors.As(err, &unknown):
		if selfSigned(unknown.Cert) {
			return CauseTLSSelfSigned, "the certificate is self-signed", nil
		}
		return CauseTLSUnknown, "the certificate is signed by an unknown authority", nil
	case errors.As(err, &plain), errors.Is(err, http.ErrSchemeMismatch):
		return CauseTLS, "the host does not speak TLS", nil
	case errors.As(err, &verification):
		return CauseTLS, "the certificate is not valid: " + shorten(verification.Err.Error()), nil
	case errors.As(err, &alert):
		return CauseTLS, "the host refused the TLS handshake: " + shorten(alert.Error()), nil
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return CauseOther, shorten(err.Error()), nil
}

// expired tells of a certificate whose time is over or has not begun.
func (p *Prober) expired(certificate *x509.Certificate) (Cause, string, *int) {
	const day = "2006-01-02"
	now := p.options.Now()
	if now.Before(certificate.NotBefore) {
		return CauseTLSExpired, "the certificate is not valid before " + certificate.NotBefore.UTC().Format(day), nil
	}
	days := daysUntil(certificate.NotAfter, now)
	return CauseTLSExpired, fmt.Sprintf("the certificate expired on %s", certificate.NotAfter.UTC().Format(day)), &days
}

// selfSigned says that a certificate is its own authority.
func selfSigned(certificate *x509.Certificate) bool {
	return certificate != nil && bytes.Equal(certificate.RawIssuer, certificate.RawSubject)
}

// namesOf is what a certificate is for.
func namesOf(certificate *x509.Certificate) string {
	switch {
	case certificate == nil:
		return "another host"
	case len(certificate.DNSNames) > 0:
		return shorten(fmt.Sprint(certificate.DNSNames))
	case len(certificate.IPAddresses) > 0:
		return shorten(fmt.Sprint(certificate.IPAddresses))
	default:
		return "no host"
	}
}

// shorten bounds what others have written.
func shorten(text string) string {
	if len(text) > maxForeignBytes {
		return strings.ToValidUTF8(text[:maxForeignBytes], "") + "…"
	}
	return text
}
