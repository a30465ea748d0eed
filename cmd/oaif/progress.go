package main

import (
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/oaif/oaif/oaif/eval"
	"github.com/oaif/oaif/oaif/trainer"
)

// progress shows a run as it goes: one bar with the live win rate on a terminal, plain lines
// elsewhere. It is a run's output, so that standard error holds nothing but what went wrong. It
// implements trainer.Observer.
type progress struct {
	w     io.Writer
	steps int
	bar   *progressbar.ProgressBar // nil where lines are written
	rate  string                   // the newest win rate, for the bar
	room  int                      // columns that are left beside the bar
}

const (
	barColumns   = 12
	barSurround  = 34 // columns of percentage, count and times beside the bar
	plainColumns = 80 // of a terminal that does not say
)

func newProgress(w io.Writer, steps int) *progress {
	p := &progress{w: w, steps: steps}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) &&
		os.Getenv("TERM") != "dumb" {
		columns, _, err := term.GetSize(int(file.Fd()))
		if err != nil || columns <= 0 {
			columns = plainColumns
		}
		p.room = max(0, columns-barColumns-barSurround)
		p.bar = progressbar.NewOptions(steps,
			progressbar.OptionSetWriter(w),
			progressbar.OptionSetWidth(barColumns),
			progressbar.OptionShowDescriptionAtLineEnd(),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetRenderBlankState(true),
		)
	}
	return p
}

// line writes one line of text, see lineTo.
func (p *progress) line(format string, args ...any) { p.lineTo(p.w, format, args...) }

// lineTo writes one line of text to w; on a terminal the bar makes room for it. A terminal that
// cannot be written to is no reason to end a run.
func (p *progress) lineTo(w io.Writer, format string, args ...any) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	_, _ = fmt.Fprintf(w, format+"\n", args...)
	if p.bar != nil {
		_ = p.bar.RenderBlank()
	}
}

// describe puts the win rate and text behind the bar, cut so that the line does not wrap: a wrapped
// line could not be taken back.
func (p *progress) describe(text string) {
	r := []rune(p.rate + text)
	p.bar.Describe(string(r[:min(len(r), p.room)]))
}

// Stage implements trainer.Observer.
func (p *progress) Stage(text string) {
	if p.bar != nil {
		p.describe(text)
		return
	}
	p.line("%s", text)
}

// Step implements trainer.Observer.
func (p *progress) Step(m trainer.Metrics, seconds float64) {
	if p.bar != nil {
		p.describe(fmt.Sprintf("KL %.1f, loss %.3f", m.KL, m.Loss))
		_ = p.bar.Set(m.Step) // the terminal again
		return
	}
	p.line("step %d/%d: loss %.4f, margin %.3f, KL %.2f nats, %d of %d pairs kept, %.1f s",
		m.Step, p.steps, m.Loss, m.RewardMargin, m.KL, m.Kept, m.Pairs, seconds)
}

// Eval implements trainer.Observer.
func (p *progress) Eval(step int, r eval.Record, full bool) {
	if step == 0 { // the starting model against itself says nothing
		return
	}
	text := ""
	for _, j := range r.Judges {
		text += fmt.Sprintf("%.2f by %s, ", j.WinRate, j.Judge)
	}
	if len(r.Judges) > 0 {
		p.rate = fmt.Sprintf("win rate %.2f, ", r.Judges[0].WinRate)
	}
	if p.bar == nil || full {
		p.line("step %d/%d: win rate against the starting model %sKL %.2f nats", step,
			p.steps, text, r.KL)
	}
}

// Warn implements trainer.Observer.
func (p *progress) Warn(text string) { p.line("warning: %s", text) }

// end takes the bar off the terminal. It may be called twice.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
