package main

import (
	"context"
	"net/http"
	"os"
	"syscall"
	"time"
)

// sigterm stops the collector as service managers do, under load. What was
// answered must be stored when it has ended.
func sigterm(ctx context.Context, f *field) (v verdict, err error) {
	if err := f.change(func(s *settings) { s.delay = time.Second }); err != nil {
		return v, err
	}
	if err := f.begin(ctx); err != nil {
		return v, err
	}
	l := newLoad(f.public, loadOptions{})
	for range max(f.rounds, 1) {
		l.reset()
		l.start(ctx)
		err := f.terminate(ctx, l, &v)
		l.stop()
		if err != nil {
			return v, err
		}
		stored, err := f.compare(ctx, l)
		if err != nil {
			return v, err
		}
		if stored.missing > 0 {
			v.problem("%d events were not stored when it had ended", stored.missing)
		}
		if err := f.serve(ctx); err != nil {
			return v, err
		}
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	if err == nil {
		err = f.interrupt(ctx, &judged)
	}
	return judged, err
}

// interrupt stops the collector as people do at the desk, who do not wait for
// load balancers.
func (f *field) interrupt(ctx context.Context, v *verdict) error {
	if err := f.change(func(s *settings) { s.delay = 30 * time.Second }); err != nil {
		return err
	}
	f.collector.kill()
	if err := f.serve(ctx); err != nil {
		return err
	}
	told := time.Now()
	f.collector.signal(os.Interrupt)
	err := f.collector.wait(ctx, stopPatience)
	took := time.Since(told)
	if err != nil || took > f.settings.delay {
		v.problem("with Ctrl-C it ended after %d ms: %v", took.Milliseconds(), err)
	}
	v.detail("with Ctrl-C after %d ms", took.Milliseconds())
	return nil
}

// sigtermInOutage stops the collector while ClickHouse hangs: it must end in
// time, and what it could not store must be stored by the next one.
func sigtermInOutage(ctx context.Context, f *field) (v verdict, err error) {
	if err := f.change(func(s *settings) { s.delay, s.grace = time.Second, 2*time.Second }); err != nil {
		return v, err
	}
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	for range max(f.rounds, 1) {
		l.reset()
		if err := sleep(ctx, between(300*time.Millisecond, time.Second)); err != nil {
			return v, err
		}
		f.proxy.set(rule{gate: make(chan struct{})})
		if err := f.terminate(ctx, l, &v); err != nil {
			return v, err
		}
		f.proxy.set(rule{})
		if err := f.serve(ctx); err != nil {
			return v, err
		}
		if err := f.drainedUnderLoad(ctx, l); err != nil {
			return v, err
		}
	}
	if err := f.stopBeforeDatabase(ctx, l, &v); err != nil {
		return v, err
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	return judged, err
}

// stopBeforeDatabase stops a collector that takes reports and has not found its
// database yet.
func (f *field) stopBeforeDatabase(ctx context.Context, l *load, v *verdict) error {
	l.stop()
	l.reset()
	f.proxy.refuse()
	f.collector.kill()
	if err := f.start(); err != nil {
		return err
	}
	if err := f.await(ctx, f.collector, "waiting for ClickHouse"); err != nil {
		return err
	}
	l.start(ctx)
	if err := f.terminate(ctx, l, v); err != nil {
		return err
	}
	if err := f.proxy.open(); err != nil {
		return err
	}
	return f.serve(ctx)
}

// terminate sends SIGTERM after a while and watches what is to be seen: first
// /readyz says no while reports are taken, then the port closes, then the
// process ends.
func (f *field) terminate(ctx context.Context, l *load, v *verdict) error {
	if err := sleep(ctx, between(300*time.Millisecond, time.Second)); err != nil {
		return err
	}
	if broken := l.snapshot().broken; broken > 0 {
		v.problem("%d reports unanswered before the end", broken)
	}
	told := time.Now()
	f.collector.signal(syscall.SIGTERM)
	unready := time.Duration(-1)
	var then tally // when it was seen not to be ready
	err := until(ctx, f.settings.delay+f.settings.grace+10*time.Second, func(ctx context.Context) (bool, error) {
		if status := f.readiness(ctx); status == http.StatusServiceUnavailable && unready < 0 {
			unready, then = time.Since(told), l.snapshot()
		}
		return !f.collector.alive(), nil
	})
	took := time.Since(told)
	limit := f.settings.delay + f.settings.grace
	switch {
	case err != nil:
		f.collector.kill()
		v.problem("it did not end within its %s", limit)
	case f.collector.err != nil:
		v.problem("it ended with %v: %s", f.collector.err, f.collector.lastWords())
	case took > limit:
		v.problem("it took %s to end, it has %s", took, limit)
	}
	f.judgeOrder(l.snapshot(), then, told, unready, v)
	v.detail("ended after %d ms", took.Milliseconds())
	return nil
}

// judgeOrder looks at what senders saw when the collector was told to stop.
func (f *field) judgeOrder(end, then tally, told time.Time, unready time.Duration, v *verdict) {
	closed, taken := end.firstBroken.Sub(told), end.reports-then.reports
	switch {
	case unready < 0:
		v.problem("/readyz did not say 503 while it stopped")
	case end.firstBroken.IsZero():
		v.problem("the port did not close")
	case closed < f.settings.delay:
		v.problem("a connection was refused %d ms after the signal, its delay is %s", closed.Milliseconds(), f.settings.delay)
	case unready > f.settings.delay/2:
		v.problem("/readyz said 503 only after %d ms, its delay is %s", unready.Milliseconds(), f.settings.delay)
	case taken == 0 || end.busy > 0:
		v.problem("%d reports were taken while /readyz said 503, 503 %d times", taken, end.busy)
	}
	v.detail("/readyz 503 after %d ms, then %d reports taken, first refused connection after %d ms", unready.Milliseconds(), taken, closed.Milliseconds())
}
