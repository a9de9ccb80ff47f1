package ingest

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"throughline/ingest/naming"
	"throughline/ingest/queue"
	"throughline/ingest/seen"
)

// gauge is a figure of the collector that is read when somebody asks.
type gauge struct {
	name, unit, description string
	read                    func() int64
	instrument              metric.Int64ObservableGauge
}

// RegisterMetrics shows the ledger, the log and the remembered ids on the meter.
func RegisterMetrics(meter metric.Meter, ledger *Ledger, q *queue.Queue, ids *seen.Set, names *naming.Names) error {
	if err := registerNames(meter, names); err != nil {
		return err
	}
	events, err := meter.Int64ObservableCounter("throughline.ingest.events",
		metric.WithDescription("Events by app, stage and reason; received = rejected + accepted, accepted = stored + queued + dead_lettered."))
	if err != nil {
		return fmt.Errorf("create the ledger's counter: %w", err)
	}
	gauges := gaugesOf(q, ids)
	observed := []metric.Observable{events}
	for i, g := range gauges {
		gauges[i].instrument, err = meter.Int64ObservableGauge(g.name, metric.WithUnit(g.unit), metric.WithDescription(g.description))
		if err != nil {
			return fmt.Errorf("create the gauge %s: %w", g.name, err)
		}
		observed = append(observed, gauges[i].instrument)
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, e := range ledger.Entries() {
			o.ObserveInt64(events, int64(e.Events), metric.WithAttributes(
				attribute.String("app", e.App), attribute.String("stage", string(e.Stage)), attribute.String("reason", string(e.Reason))))
		}
		for _, g := range gauges {
			o.ObserveInt64(g.instrument, g.read())
		}
		return nil
	}, observed...)
	if err != nil {
		return fmt.Errorf("register the ledger's metrics: %w", err)
	}
	return nil
}

// registerNames shows how many names there are, and what was beyond their caps.
func registerNames(meter metric.Meter, names *naming.Names) error {
	held, err := meter.Int64ObservableGauge("throughline.ingest.names",
		metric.WithDescription("Names by app and column: pages, and values of capped columns."))
	if err != nil {
		return fmt.Errorf("create the gauge of names: %w", err)
	}
	capped, err := meter.Int64ObservableCounter("throughline.ingest.names.capped",
		metric.WithDescription("Values that became (other) since the start, as a column of the app had too many."))
	if err != nil {
		return fmt.Errorf("create the counter of capped names: %w", err)
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, count := range names.Counts() {
			of := metric.WithAttributes(attribute.String("app", count.App), attribute.String("column", count.Column))
			o.ObserveInt64(held, int64(count.Names), of)
			o.ObserveInt64(capped, int64(count.Capped), of)
		}
		return nil
	}, held, capped)
	if err != nil {
		return fmt.Errorf("register the metrics of names: %w", err)
	}
	return nil
}

func gaugesOf(q *queue.Queue, ids *seen.Set) []gauge {
	return []gauge{
		{
			name: "throughline.ingest.queue.events", description: "Accepted events waiting in the log to be stored.",
			read: func() int64 { events, _ := q.Held(); return int64(events) },
		},
		{
			name: "throughline.ingest.queue.size", unit: "By", description: "Bytes of the log that wait to be stored.",
			read: func() int64 { _, sizeBytes := q.Held(); return sizeBytes },
		},
		{
			name: "throughline.ingest.queue.damaged", unit: "By", description: "Bytes of the log that are damaged or could not be read, at the start and since.",
			read: func() int64 { return q.Recovered().SkippedBytes },
		},
		{
			name: "throughline.ingest.deduplication.ids", description: "Ids remembered to tell repeated deliveries: of reports, or of single events.",
			read: func() int64 { count, _ := ids.Stats(); return int64(count) },
		},
		{
			name: "throughline.ingest.deduplication.window", unit: "s", description: "For how long at least an id is remembered; less than configured when there are too many.",
			read: func() int64 { _, remembers := ids.Stats(); return int64(remembers.Seconds()) },
		},
	}
}
