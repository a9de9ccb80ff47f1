package synthetic

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"throughline/beacon"
)

// A secret is in no text that leaves a run, whatever it looks like there.
func TestRedaction(t *testing.T) {
	const secret = `p<"ä & 1`
	redact := func(text string) string { return strings.ReplaceAll(text, secret, "***") }
	record := Record{
		Messages: []Message{{At: time.Now(), Text: "typed " + secret, URL: "https://shop.example/" + secret}},
		Exchanges: []Exchange{{
			Started: time.Now(), Method: "GET", URL: "https://shop.example/user/p%3C%22%C3%A4%20&%201?q=p%3C%22%C3%A4+%26+1",
			Redirect: "https://shop.example/p%3C%22%C3%A4+%26+1", StatusText: secret, MediaType: secret,
			Request: []Line{{"Referer", secret}}, Response: []Line{{"Server", secret}},
		}, {
			Started: time.Now(), Method: "GET", URL: "https://shop.example/search?q=mug&page=2",
		}},
	}
	console, err := encodeConsole(record, redact)
	if err != nil {
		t.Fatal(err)
	}
	har, err := encodeHAR(record, harAgentOf("a/1"), harAgentOf("b"), redact)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{console, har} {
		text := string(data)
		for _, form := range []string{secret, `p\u003c\"ä`, `p<\"ä`, "p%3C%22"} {
			if strings.Contains(text, form) {
				t.Errorf("%s is in %s", form, text)
			}
		}
	}
	if text := string(har); !strings.Contains(text, `"https://shop.example/search?q=mug\u0026page=2"`) || !strings.Contains(text, `"name": "page"`) {
		t.Errorf("what holds no secret is missing: %s", text)
	}
	var file harFile
	if err := json.Unmarshal(har, &file); err != nil || file.Log.Creator != (harAgent{"a", "1"}) {
		t.Errorf("got %+v, %v", file.Log.Creator, err)
	}
	step := StepResult{Outcome: beacon.RunFailed, Message: "the title is " + secret, URL: "https://shop.example/p%3C%22%C3%A4+%26+1"}
	(&clerk{page: failing{}, redact: redact}).explain(&step)
	if step.Message != "the title is ***; GET https://shop.example/*** answered 500" || step.URL != "https://shop.example/…" {
		t.Errorf("got %+v", step)
	}
}

// failing is a page with a request that failed.
type failing struct{ Page }

func (failing) FailedRequest() string { return `GET https://shop.example/p<"ä & 1 answered 500` }
