package client

import (
	_ "embed"
	"regexp"
	"regexp/syntax"
	"strings"
)

// robotList is kept by refresh.mjs, which says where it is from and how to renew it.
//
//go:embed robots.txt
var robotList string

// What browsers without a window, and drivers, call themselves, in small letters.
var (
	headlessWords = []string{"headless", "phantomjs", "slimerjs", "htmlunit", "jsdom/"}
	driverWords   = []string{"selenium", "webdriver", "playwright", "puppeteer", "cypress/", "testcafe", "nightwatch"}
)

// robotWords are what robots hold that are not listed (yet), in small letters.
// Robots tell where they are from; browsers of people hold no addresses.
var robotWords = []string{"crawl", "spider", "scraper", "://", "www.", "powershell/", "lighthouse"}

// browserMarks are what browsers hold. All that can run the beacon begin with
// "Mozilla/5.0 ("; the other marks are those of old phones. What has none of them is
// a program, such as curl.
var browserMarks = []string{"Mozilla/", "Opera", "MIDP", "UCWEB", "NetFront", "UP.Browser", "Obigo", "Teleca", "DoCoMo", "BlackBerry"}

// robot is one pattern of the list.
type robot struct {
	literal string         // is in all agents that the pattern matches
	pattern *regexp.Regexp // nil if the literal is all of it
	name    string
}

// leadBytes is how much of a literal the patterns are found by.
const leadBytes = 3

// robots finds robots among agents. One regular expression of all patterns would
// take a millisecond, which is too much for what anybody can send in any number, so
// each is first looked for by a literal part of it, all of them in one pass.
type robots struct{ byLead map[[leadBytes]byte][]robot }

// newRobots compiles a list of patterns and names. It leaves out what has no literal
// part; a test sees to it that nothing in robotList is.
func newRobots(list string) *robots {
	r := &robots{map[[leadBytes]byte][]robot{}}
	for line := range strings.Lines(list) {
		pattern, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		for _, robot := range compile(pattern) {
			robot.name = name
			lead := [leadBytes]byte([]byte(robot.literal))
			r.byLead[lead] = append(r.byLead[lead], robot)
		}
	}
	return r
}

// compile returns a robot for each alternative of the pattern.
func compile(pattern string) (robots []robot) {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	alternatives := []*syntax.Regexp{tree}
	if tree.Op == syntax.OpAlternate {
		alternatives = tree.Sub
	}
	for _, alternative := range alternatives {
		robot := robot{literal: literal(alternative)}
		if len(robot.literal) < leadBytes {
			return nil
		}
		if alternative.Op != syntax.OpLiteral {
			if robot.pattern, err = regexp.Compile(alternative.String()); err != nil {
				return nil
			}
		}
		robots = append(robots, robot)
	}
	return robots
}

// literal returns the longest text that is in all that the expression matches, as
// far as that is plain to see.
func literal(tree *syntax.Regexp) (longest string) {
	switch {
	case tree.Op == syntax.OpLiteral && tree.Flags&syntax.FoldCase == 0:
		return string(tree.Rune)
	case tree.Op == syntax.OpConcat || tree.Op == syntax.OpCapture:
		for _, part := range tree.Sub {
			if text := literal(part); len(text) > len(longest) {
				longest = text
			}
		}
	}
	return longest
}

// find returns the reason for taking the agent for a bot, and its name, which is
// "other" if it is not listed. For a person the reason is "".
func (r *robots) find(agent string) (name, reason string) {
	small := strings.ToLower(agent)
	switch {
	case agent == "":
		return "", ""
	case containsAny(small, headlessWords):
		return "", BotHeadless
	case containsAny(small, driverWords):
		return "", BotAutomated
	}
	if name, ok := r.listed(agent); ok {
		return name, BotUserAgent
	}
	if saysBot(small) || containsAny(small, robotWords) || !containsAny(agent, browserMarks) {
		return unknown, BotUserAgent
	}
	return "", ""
}

// listed returns the name of the robot that is found first in the agent, by the
// longest of the literals that begin there.
func (r *robots) listed(agent string) (name string, ok bool) {
	for at := range max(len(agent)-leadBytes+1, 0) {
		longest := 0
		for _, robot := range r.byLead[[leadBytes]byte([]byte(agent[at:at+leadBytes]))] {
			if len(robot.literal) > longest && robot.beginsAt(at, agent) {
				name, longest = robot.name, len(robot.literal)
			}
		}
		if longest > 0 {
			return name, true
		}
	}
	return "", false
}

func (r *robot) beginsAt(at int, agent string) bool {
	if !strings.HasPrefix(agent[at:], r.literal) {
		return false
	}
	// What does not match where the literal first stands does not match at all.
	return r.pattern == nil || strings.Index(agent, r.literal) == at && r.pattern.MatchString(agent)
}

// saysBot reports whether a word of the agent ends with bot. Cubot makes phones.
func saysBot(small string) bool {
	for {
		before, after, found := strings.Cut(small, "bot")
		if !found {
			return false
		}
		ends := after == "" || after[0] < 'a' || after[0] > 'z' || strings.HasPrefix(after, "s/") || strings.HasPrefix(after, "s ")
		if ends && !strings.HasSuffix(before, "cu") {
			return true
		}
		small = after
	}
}

func containsAny(text string, words []string) bool {
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}
