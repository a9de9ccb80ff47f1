package stack

import "strings"

// Why an error is nobody's bug: the answers of [Noise].
const (
	// NoiseScriptError is an error of a script of another origin, of which
	// browsers tell nothing, as it was loaded without the attribute crossorigin.
	NoiseScriptError = "script_error"
	// NoiseExtension is an error of a browser extension or of the browser itself.
	NoiseExtension = "extension"
	// NoiseInjected is an error of code that an app around the browser view, a
	// translator or an advertising tool runs in the page.
	NoiseInjected = "injected"
	// NoiseCrawler is an error of a program that reads pages.
	NoiseCrawler = "crawler"
	// NoiseResizeObserver is a notice that a browser gives as an error, when
	// elements change their size faster than it paints. Nothing fails.
	NoiseResizeObserver = "resize_observer"
)

// Noise returns why an error is nobody's bug of the app, or "" if it may be one.
// It looks at who threw it, and for messages that are known for nothing else.
func Noise(errorType, message string, frames []Frame) string {
	top, hasPlace := throwing(frames)
	if hasPlace {
		switch scheme := schemeOf(top.URL); {
		case isExtensionScheme(scheme):
			return NoiseExtension
		case isInjectedScheme(scheme), isTranslator(hostOf(top.URL)):
			return NoiseInjected
		}
	}
	_, text := splitType(errorType, firstLine(message))
	text = text[:min(len(text), maxMessageBytes)]
	if !hasPlace && strings.EqualFold(strings.TrimRight(text, "."), "Script error") {
		return NoiseScriptError
	}
	if !hasPlace || !top.InApp {
		if reason := reasonOf(text, foreignMessages); reason != "" {
			return reason
		}
	}
	return reasonOf(text, strayMessages)
}

// reasonOf looks for known messages within a text, where no word goes on.
func reasonOf(text string, messages []knownMessage) string {
	for _, known := range messages {
		before, behind, found := strings.Cut(text, known.text)
		startsWord := found && before != "" && isWordByte(before[len(before)-1]) && isWordByte(known.text[0])
		endsWord := behind != "" && isWordByte(behind[0]) && isWordByte(known.text[len(known.text)-1])
		if found && !startsWord && !endsWord {
			return known.reason
		}
	}
	return ""
}

// throwing returns the topmost frame whose script is known.
func throwing(frames []Frame) (top Frame, found bool) {
	for _, frame := range frames {
		if frame.URL != "" {
			return frame, true
		}
	}
	return Frame{}, false
}

func isTranslator(host string) bool {
	return host == "translate.googleapis.com" || host == "translate.google.com" || host == "translate-pa.googleapis.com"
}

type knownMessage struct{ text, reason string }

// strayMessages are given to whatever code of the page happens to run, or name
// what only such code has that no page loads. They are known from the lists of
// errors to ignore that operators of many public sites share.
var strayMessages = []knownMessage{
	{"ResizeObserver loop ", NoiseResizeObserver},
	{"Object Not Found Matching Id:", NoiseCrawler}, // mail scanners that open links
	{"CefSharp", NoiseCrawler},
	{"__nightmare", NoiseCrawler},
	{"callPhantom", NoiseCrawler},
	{"domAutomation", NoiseCrawler},
	{"Extension context invalidated", NoiseExtension},
	{"Could not establish connection. Receiving end does not exist", NoiseExtension},
	{"message port closed before a response was received", NoiseExtension},
	{"message channel closed before a response was received", NoiseExtension},
	{"runtime.sendMessage()", NoiseExtension},
	{"Failed to connect to MetaMask", NoiseExtension},
	{"Cannot redefine property: ethereum", NoiseExtension},
	{"Cannot set property ethereum of ", NoiseExtension},
	{`can't redefine non-configurable property "ethereum"`, NoiseExtension},
	{`can't redefine non-configurable property "solana"`, NoiseExtension},
	{"_AutofillCallbackHandler", NoiseInjected},
	{"instantSearchSDKJSBridgeClearHighlight", NoiseInjected},
	{"_pcmBridgeCallbackHandler", NoiseInjected},
	{"__gCrWeb", NoiseInjected},
	{"__firefox__", NoiseInjected},
	{"zaloJSV2", NoiseInjected},
	{"xbrowser is not defined", NoiseInjected},
	{"swbrowser", NoiseInjected},
	{"Can't find variable: gmo", NoiseInjected},
	{"Can't find variable: EmptyRanges", NoiseInjected},
	{"Can't find variable: PaymentAutofillConfig", NoiseInjected},
	{"Can't find variable: DarkReader", NoiseInjected},
	{"Java object is gone", NoiseInjected},
	{"Java bridge method invocation error", NoiseInjected},
	{"Java exception was raised during method invocation", NoiseInjected},
	{"bmi_SafeAddOnload", NoiseInjected},
	{"EBCallBackMessageReceived", NoiseInjected},
	{"conduitPage", NoiseInjected},
	{"mttTransferFun", NoiseInjected},
	{"MyApp_RemoveAllHighlights", NoiseInjected},
	{"atomicFindClose", NoiseInjected},
	{"adsbygoogle.push() error", NoiseInjected},
}

// foreignMessages are noise unless code of the app threw them: an app may use
// the same interface itself.
var foreignMessages = []knownMessage{
	{"window.webkit.messageHandlers", NoiseInjected},
	{"sendDataToNative", NoiseInjected},
	{"WeixinJSBridge", NoiseInjected},
}
