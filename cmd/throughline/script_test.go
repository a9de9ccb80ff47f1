package main

import (
	"bytes"
	"testing"

	"throughline/ingest"
)

func TestScriptRenderer_TellsTheBeaconWhatItsAppWants(t *testing.T) {
	script, err := scriptRenderer("/v1/events")(&ingest.App{Key: "shop-web-4f7c2a", Environment: "staging", ConsoleErrors: true})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"collect":"/v1/events?key=shop-web-4f7c2a\u0026quiet=1","environment":"staging","consoleErrors":true}`
	if !bytes.Contains(script, []byte(want)) {
		t.Errorf("the script does not hold %s", want)
	}
}
