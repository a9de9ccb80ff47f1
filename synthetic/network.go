package synthetic

import (
	"math"
	"slices"
	"strings"
	"time"
)

// kbps is a throughput of a thousand bits in a second, in bytes.
const kbps = 1000.0 / 8

// network is a preset of network conditions.
type network struct {
	name       string
	conditions NetworkConditions
}

func networks() []network {
	return []network{
		{"slow-3g", NetworkConditions{DownloadBytesPerS: 400 * kbps, UploadBytesPerS: 400 * kbps, Latency: 400 * time.Millisecond}},
		{"fast-3g", NetworkConditions{DownloadBytesPerS: 1600 * kbps, UploadBytesPerS: 768 * kbps, Latency: 150 * time.Millisecond}},
		{"4g", NetworkConditions{DownloadBytesPerS: 9000 * kbps, UploadBytesPerS: 9000 * kbps, Latency: 170 * time.Millisecond}},
		{"offline", NetworkConditions{Offline: true}},
	}
}

func networkNames() []string {
	names := make([]string, 0, len(networks()))
	for _, network := range networks() {
		names = append(names, network.name)
	}
	return names
}

// readNetwork reads a preset's name, or throughputs and a latency.
func readNetwork(r *reader, field string) *NetworkConditions {
	own := sketching()
	readConditions(own)
	r.sketch.put(field, &schema{AnyOf: []*schema{{Enum: networkNames()}, own.sketch.of}}, false)
	n, given := r.get(field)
	if !given {
		return nil
	}
	if _, mapping := n.value.(*object); mapping {
		child := r.of(n, field)
		conditions := readConditions(child)
		child.done()
		return &conditions
	}
	name, _ := n.value.(string)
	at := slices.Index(networkNames(), name)
	if at < 0 {
		r.fail(field, "must be one of %s, or have download_kbps, upload_kbps and latency", strings.Join(networkNames(), ", "))
		return nil
	}
	return &networks()[at].conditions
}

func readConditions(r *reader) NetworkConditions {
	return NetworkConditions{
		DownloadBytesPerS: r.throughput("download_kbps"),
		UploadBytesPerS:   r.throughput("upload_kbps"),
		Latency:           r.duration("latency", 0, MaxTimeout),
	}
}

// throughput reads a number of kilobits in a second; 0 bounds nothing.
func (r *reader) throughput(field string) float64 {
	value, _ := r.number(field)
	if value < 0 || value > 1e8 {
		r.fail(field, "must be from 0 to 100000000")
	}
	return math.Round(value * kbps)
}

func (w *writer) network(field string, conditions *NetworkConditions) {
	if conditions == nil {
		return
	}
	for _, network := range networks() {
		if network.conditions == *conditions {
			w.text(field, network.name)
			return
		}
	}
	child := w.inner()
	child.throughput("download_kbps", conditions.DownloadBytesPerS)
	child.throughput("upload_kbps", conditions.UploadBytesPerS)
	if conditions.Latency != 0 {
		child.duration("latency", conditions.Latency)
	}
	w.put(field, &child.object)
}

func (w *writer) throughput(field string, bytesPerS float64) {
	if bytesPerS != 0 {
		w.number(field, bytesPerS/kbps)
	}
}
