package beacon

import (
	"strings"
	"testing"
	"time"
)

func TestCheckAgentToken(t *testing.T) {
	const secret = "0123456789abcdef"
	now := time.Unix(1_790_000_000, 0)
	good := AgentToken(secret, now)
	if strings.Contains(good, secret) {
		t.Errorf("the token %s tells the secret", good)
	}
	for name, c := range map[string]struct {
		header, secret string
		after          time.Duration
		want           string // part of the error
	}{
		"good":                      {good, secret, 0, ""},
		"five minutes old":          {good, secret, AgentTokenValidity, ""},
		"five minutes ahead":        {good, secret, -AgentTokenValidity, ""},
		"too old":                   {good, secret, AgentTokenValidity + time.Second, "clocks"},
		"too far ahead":             {good, secret, -AgentTokenValidity - time.Second, "clocks"},
		"another secret":            {good, secret + "x", 0, "another agent_token"},
		"no secret":                 {AgentToken("", now), "", 0, "another agent_token"},
		"the secret itself":         {"Bearer " + secret, secret, 0, "no agent's token"},
		"another time":              {strings.Replace(good, "1790000000", "1790000001", 1), secret, 0, "another agent_token"},
		"another signature":         {good[:len(good)-1] + "g", secret, 0, "another agent_token"},
		"without signature":         {"Bearer tl1.1790000000", secret, 0, "no agent's token"},
		"nothing":                   {"", secret, 0, "no agent's token"},
		"a time that is no number":  {"Bearer tl1.x." + strings.Repeat("0", 64), secret, 0, "another agent_token"},
		"a later form of the token": {strings.Replace(good, "tl1", "tl2", 1), secret, 0, "no agent's token"},
	} {
		err := CheckAgentToken(c.header, c.secret, now.Add(c.after))
		switch {
		case err == nil && c.want != "":
			t.Errorf("%s is taken", name)
		case err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v", name, err)
		}
	}
}
