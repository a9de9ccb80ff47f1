package ingest

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"throughline/ingest/queue"
)

// RegisterMetrics shows the ledger and the queue on the meter.
func RegisterMetrics(meter metric.Meter, ledger *Ledger, q *queue.Queue[Record]) error {
	events, err := meter.Int64ObservableCounter("throughline.ingest.events",
		metric.WithDescription("Events by app, stage and reason; received = rejected + accepted, accepted = stored + queued + dead_lettered."))
	if err != nil {
		return fmt.Errorf("create the ledger's counter: %w", err)
	}
	held, err := meter.Int64ObservableGauge("throughline.ingest.queue.events", metric.WithDescription("Accepted events waiting to be stored."))
	if err != nil {
		return fmt.Errorf("create the queue's gauge: %w", err)
	}
	size, err := meter.Int64ObservableGauge("throughline.ingest.queue.size", metric.WithUnit("By"), metric.WithDescription("Bytes of reports waiting to be stored."))
	if err != nil {
		return fmt.Errorf("create the queue's size gauge: %w", err)
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, e := range ledger.Entries() {
			o.ObserveInt64(events, int64(e.Events), metric.WithAttributes(
				attribute.String("app", e.App), attribute.String("stage", string(e.Stage)), attribute.String("reason", string(e.Reason))))
		}
		waiting, sizeBytes := q.Held()
		o.ObserveInt64(held, int64(waiting))
		o.ObserveInt64(size, int64(sizeBytes))
		return nil
	}, events, held, size)
	if err != nil {
		return fmt.Errorf("register the ledger's metrics: %w", err)
	}
	return nil
}
