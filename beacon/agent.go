package beacon

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// AgentTokenValidity is how far the clocks of an agent and a collector may be
// apart, and how long a token is of use to whoever has read it on its way.
const AgentTokenValidity = 5 * time.Minute

// agentScheme begins every token; its number is that of the form.
const agentScheme = "Bearer tl1."

// Errors of [CheckAgentToken].
var (
	errNoAgentToken    = errors.New("the Authorization header holds no agent's token")
	errWrongAgentToken = errors.New("the agent's token was made with another agent_token than the collector's")
)

// AgentToken is the value of the Authorization header by which a journey agent
// proves itself. It is signed with the secret, which stays where it is:
//
//	Bearer tl1.<seconds since 1970>.<HMAC-SHA-256 over "tl1.<seconds>", hexadecimal>
func AgentToken(secret string, now time.Time) string {
	seconds := strconv.FormatInt(now.Unix(), 10)
	return agentScheme + seconds + "." + hex.EncodeToString(signature(secret, seconds))
}

// CheckAgentToken says what is wrong with a value of the Authorization header,
// nil if it proves a journey agent. An empty secret proves nobody.
func CheckAgentToken(header, secret string, now time.Time) error {
	rest, ok := strings.CutPrefix(header, agentScheme)
	seconds, signed, hasTwo := strings.Cut(rest, ".")
	if !ok || !hasTwo {
		return errNoAgentToken
	}
	mac, err := hex.DecodeString(signed)
	if err != nil || secret == "" || !hmac.Equal(mac, signature(secret, seconds)) {
		return errWrongAgentToken
	}
	made, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return errNoAgentToken
	}
	if age := now.Sub(time.Unix(made, 0)); age.Abs() > AgentTokenValidity {
		return fmt.Errorf("the agent's token is %s old, more than %s: the clocks of agent and collector differ", age.Round(time.Second), AgentTokenValidity)
	}
	return nil
}

func signature(secret, seconds string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte("tl1." + seconds)) // never fails
	return mac.Sum(nil)
}
