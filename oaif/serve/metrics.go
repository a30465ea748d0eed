package serve

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/oaif/oaif/oaif/engine"
)

// metrics are what /metrics tells; docs/serve.md lists them.
type metrics struct {
	handler  http.Handler
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	first    prometheus.Histogram
	tokens   *prometheus.CounterVec
}

func newMetrics(e *engine.Engine) *metrics {
	// From a prompt that is scored to an answer of thousands of tokens.
	buckets := prometheus.ExponentialBuckets(.01, 2, 16)
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "oaif_requests_total",
			Help: "Requests answered, by path and status."}, []string{"path", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "oaif_request_seconds",
			Help: "Seconds that requests took, by path.", Buckets: buckets}, []string{"path"}),
		first: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "oaif_first_token_seconds",
			Help: "Seconds until an answer's first token was drawn.", Buckets: buckets}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "oaif_tokens_total",
			Help: "Tokens of answered requests: of prompts, and drawn."}, []string{"kind"}),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.requests, m.seconds, m.first, m.tokens,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(engineMetrics(e)...)
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return m
}

// engineMetrics are those of the engine's own numbers.
func engineMetrics(e *engine.Engine) (out []prometheus.Collector) {
	gauge := func(name, help string, value func(engine.Stats) int64) {
		out = append(out, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return float64(value(e.Stats())) }))
	}
	count := func(name, help string, value func(engine.Stats) int64) {
		out = append(out, prometheus.NewCounterFunc(
			prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(value(e.Stats())) }))
	}
	gauge("oaif_queue_length", "Choices that wait.",
		func(s engine.Stats) int64 { return s.Waiting })
	gauge("oaif_slots", "Decode slots.", func(s engine.Stats) int64 { return s.Slots })
	gauge("oaif_slots_busy", "Decode slots in use.",
		func(s engine.Stats) int64 { return s.Running })
	count("oaif_prefills_total", "Batches of prompts that were computed.",
		func(s engine.Stats) int64 { return s.Prefills })
	count("oaif_prefilled_tokens_total", "Tokens of them, common prefixes once.",
		func(s engine.Stats) int64 { return s.Packed })
	count("oaif_steps_total", "Decode steps, of all busy slots together.",
		func(s engine.Stats) int64 { return s.Steps })
	count("oaif_drawn_tokens_total", "Tokens that were drawn, for whomever.",
		func(s engine.Stats) int64 { return s.Drawn })
	count("oaif_device_failures_total", "Units of work in which the device failed.",
		func(s engine.Stats) int64 { return s.Failures })
	return out
}

func (m *metrics) serve(w http.ResponseWriter, r *http.Request) *failure {
	m.handler.ServeHTTP(w, r)
	return nil
}

// answered counts a request by the pattern that it met.
func (m *metrics) answered(pattern string, status int, took time.Duration) {
	_, path, _ := strings.Cut(pattern, " ")
	if path == "" {
		path = "/" // any other
	}
	m.requests.WithLabelValues(path, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(path).Observe(took.Seconds())
}

// used counts the tokens of an answer.
func (m *metrics) used(u *usage) {
	m.tokens.WithLabelValues("prompt").Add(float64(u.Prompt))
	m.tokens.WithLabelValues("completion").Add(float64(u.Completion))
}
