package chrome

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Words of the protocol that the client has no types for.
const (
	sendMessage     = "Target.sendMessageToTarget"
	receivedMessage = "Target.receivedMessageFromTarget"
)

// errDetached is what a command meets whose tab is gone.
var errDetached = errors.New("the tab is gone")

// line is a second line to the browser, within the client's own. The client only
// attaches to tabs that run already, and waits for each answer; what opens by itself
// must be prepared before any of its scripts runs, while it answers nothing. So on
// this line tabs wait until they are told to run.
type line struct {
	client *chromedp.Browser
	// through is the client's session of the browser itself, which the line's
	// messages go through.
	through target.SessionID
	// opened takes the tabs that wait to be prepared. It must not block.
	opened func(*lineSession, *target.EventAttachedToTarget)
	log    *slog.Logger
	stop   func()
	tasks  sync.WaitGroup

	mu       sync.Mutex
	last     int64
	waiting  map[int64]waiter
	sessions map[target.SessionID]*lineSession
}

// waiter is who waits for an answer.
type waiter struct {
	in     *lineSession
	answer chan *cdproto.Message
	// what is the command, if nobody looks at its answer.
	what string
}

// newLine opens a line. At first new pages wait on it; see lineSession.holdWithin.
func newLine(ctx context.Context, client *chromedp.Browser, log *slog.Logger, opened func(*lineSession, *target.EventAttachedToTarget)) (*line, error) {
	self, err := cdp.Call(ctx, client, target.GetTargetInfo, target.GetTargetInfoParams{})
	if err != nil {
		return nil, err
	}
	attached, err := cdp.Call(ctx, client, target.AttachToTarget, target.AttachToTargetParams{TargetID: self.TargetInfo.TargetID})
	if err != nil {
		return nil, err
	}
	l := &line{
		client: client, through: attached.SessionID, opened: opened, log: log,
		waiting: map[int64]waiter{}, sessions: map[target.SessionID]*lineSession{},
	}
	messages, stop := client.Subscribe(receivedMessage)
	l.stop = stop
	l.tasks.Go(func() { l.listen(messages) })
	browser := l.session("", nil)
	if err := browser.holdPages(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// close ends the line.
func (l *line) close() {
	l.stop()
	l.tasks.Wait()
}

// listen takes what comes over the line, one message at a time.
func (l *line) listen(messages <-chan jsonv2.Value) {
	for raw := range messages {
		var outer struct {
			SessionID target.SessionID `json:"sessionId"`
			Message   string           `json:"message"`
		}
		if json.Unmarshal(raw, &outer) != nil || outer.SessionID != l.through {
			continue
		}
		message := new(cdproto.Message)
		if jsonv2.Unmarshal([]byte(outer.Message), message, chromedp.DefaultUnmarshalOptions) != nil {
			continue
		}
		if message.ID != 0 {
			l.answer(message)
			continue
		}
		l.tell(message)
	}
}

// answer gives an answer to who waits for it.
func (l *line) answer(message *cdproto.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w, ok := l.waiting[message.ID]; ok {
		delete(l.waiting, message.ID)
		w.answer <- message
		if w.what != "" && message.Error != nil {
			l.log.Debug("command refused", "command", w.what, "error", message.Error)
		}
	}
}

// tell gives an event to the session that it is for.
func (l *line) tell(message *cdproto.Message) {
	event, err := cdproto.UnmarshalMessage(message, chromedp.DefaultUnmarshalOptions)
	if err != nil {
		return // the client does not know it either
	}
	switch e := event.(type) {
	case *target.EventAttachedToTarget:
		l.mu.Lock()
		parent := l.sessions[message.SessionID]
		l.mu.Unlock()
		l.opened(l.session(e.SessionID, parent), e)
		return
	case *target.EventDetachedFromTarget:
		l.drop(e.SessionID)
		return
	}
	l.mu.Lock()
	session := l.sessions[message.SessionID]
	l.mu.Unlock()
	if session != nil && session.follow != nil {
		session.follow(event)
	}
}

// session notes a session, which is new.
func (l *line) session(id target.SessionID, parent *lineSession) *lineSession {
	s := &lineSession{line: l, id: id, parent: parent, gone: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions[id] = s
	return s
}

// drop forgets a session that ended.
func (l *line) drop(id target.SessionID) {
	l.mu.Lock()
	s := l.sessions[id]
	delete(l.sessions, id)
	for id, w := range l.waiting {
		if w.in == s {
			delete(l.waiting, id)
		}
	}
	l.mu.Unlock()
	if s == nil {
		return
	}
	close(s.gone)
	if s.ended != nil {
		s.ended()
	}
}

// lineSession is a session on the line. Unlike the client's it can send without
// waiting for the answer.
type lineSession struct {
	line   *line
	id     target.SessionID
	parent *lineSession // that of the tab around a frame
	target target.ID
	// follow takes its events, and ended is told that it ended; nil if nobody cares.
	// Both are called by the line and must not block.
	follow func(any)
	ended  func()
	// gone is closed when it has ended.
	gone chan struct{}
}

var _ cdp.Session = (*lineSession)(nil)

// Call implements [cdp.Session].
func (s *lineSession) Call(ctx context.Context, method string, params, result any) error {
	answer, err := s.send(ctx, method, params, "")
	if err != nil {
		return err
	}
	select {
	case message := <-answer:
		if message.Error != nil {
			return message.Error
		}
		if result == nil {
			return nil
		}
		return jsonv2.Unmarshal(message.Result, result, chromedp.DefaultUnmarshalOptions)
	case <-s.gone:
		return errDetached
	case <-s.line.client.LostConnection:
		return errDetached
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Subscribe implements [cdp.Session]: who follows the session has all its events.
func (s *lineSession) Subscribe(string) (<-chan jsonv2.Value, func()) {
	none := make(chan jsonv2.Value)
	close(none)
	return none, func() {}
}

// send sends a command. When it returns, the browser has it, and takes it before
// any that is sent later.
func (s *lineSession) send(ctx context.Context, method string, params any, what string) (<-chan *cdproto.Message, error) {
	data, err := jsonv2.Marshal(params, chromedp.DefaultMarshalOptions)
	if err != nil {
		return nil, err
	}
	answer := make(chan *cdproto.Message, 1)
	s.line.mu.Lock()
	s.line.last++
	id := s.line.last
	s.line.waiting[id] = waiter{s, answer, what}
	s.line.mu.Unlock()
	message, err := jsonv2.Marshal(&cdproto.Message{ID: id, SessionID: s.id, Method: cdproto.MethodType(method), Params: data}, chromedp.DefaultMarshalOptions)
	if err != nil {
		return nil, err
	}
	err = s.line.client.Call(ctx, sendMessage, map[string]any{"sessionId": s.line.through, "message": string(message)}, nil)
	return answer, err
}

// hasty is a session that waits for no answer, since none comes while its tab waits.
type hasty struct{ *lineSession }

// Call implements [cdp.Session], without a result.
func (h hasty) Call(ctx context.Context, method string, params, _ any) error {
	_, err := h.send(ctx, method, params, method)
	return err
}

// holdPages makes new pages, and the workers that pages share, wait to be prepared.
func (s *lineSession) holdPages(ctx context.Context) error {
	return s.hold(ctx, target.Filter{{Type: "page"}, {Type: "shared_worker"}, {Exclude: true}})
}

// holdWithin makes all that opens within the session's tab wait to be prepared. None
// may be left out: a worker that is waits for ever.
func (s *lineSession) holdWithin(ctx context.Context) error { return s.hold(ctx, nil) }

func (s *lineSession) hold(ctx context.Context, filter target.Filter) error {
	return hasty{s}.Call(ctx, target.SetAutoAttach.Method, target.SetAutoAttachParams{
		AutoAttach: true, WaitForDebuggerOnStart: true, Flatten: new(true), Filter: filter,
	}, nil)
}

// run lets a tab go on that waits.
func (s *lineSession) run(ctx context.Context) error {
	return hasty{s}.Call(ctx, runtime.RunIfWaitingForDebugger.Method, cdp.Empty{}, nil)
}

// isOfLine tells what the client says of messages that are the line's.
func isOfLine(complaint string) bool { return strings.Contains(complaint, receivedMessage) }
