package main

import (
	"bytes"
	"testing"

	"throughline/ingest"
)

func TestScriptRenderer_TellsTheBeaconWhatItsAppWants(t *testing.T) {
	script, err := scriptRenderer("/v1/events")(&ingest.App{Key: "shop-web-4f7c2a", Environment: "staging", Beacon: ingest.BeaconSettings{
		ConsoleErrors: true, Consent: true, SampleRate: new(0.5), UserTiming: []string{"cart*", "a.b"}, TraceOrigins: []string{"self"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"collect":"/v1/events?key=shop-web-4f7c2a\u0026quiet=1","environment":"staging","consoleErrors":true,"consent":true,"sampleRate":0.5,"userTiming":"^(?:cart.*|a\\.b)$","traceOrigins":["self"]}`
	if !bytes.Contains(script, []byte(want)) {
		t.Errorf("the script does not hold %s", want)
	}
}
