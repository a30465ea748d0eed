package annotator

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/oaif/oaif/oaif/stats"
)

// String returns the report as lines of text for a terminal.
func (r Report) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d pairs: %d a, %d b, %d ties, %d identical, %d invalid; %d LM prompts\n",
		r.Pairs, r.A, r.B, r.Tie.K, r.Identical.K, r.Invalid.K, r.LMPrompts)
	for _, fact := range r.facts() {
		fmt.Fprintf(&out, "%s: %s\n", fact.name, fact.value)
	}
	if c := r.Calibration; c != nil {
		out.WriteString("    P(a)       pairs  mean P(a)  label a\n")
		for _, b := range c.Bins {
			if b.MeanP != nil {
				fmt.Fprintf(&out, "    %.1f to %.1f %5d  %9.3f  %s\n", b.From, b.To, b.Happened.N,
					*b.MeanP, percent(b.Happened))
			}
		}
	}
	if r.Warning != "" {
		fmt.Fprintf(&out, "warning: %s\n", r.Warning)
	}
	return out.String()
}

// Markdown returns the report as a document of its own.
func (r Report) Markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "# Annotator report: %s\n\n| | |\n|---|---|\n| kind | %s |\n| pairs | %d |\n",
		cell(r.Annotator), cell(r.Kind), r.Pairs)
	for _, row := range []struct {
		name  string
		share stats.Share
	}{
		{"verdict a", stats.NewShare(r.A, r.Pairs)}, {"verdict b", stats.NewShare(r.B, r.Pairs)},
		{"tie", r.Tie}, {"identical texts, not asked about", r.Identical}, {"invalid", r.Invalid},
	} {
		fmt.Fprintf(&out, "| %s | %d: %s |\n", row.name, row.share.K, percent(row.share))
	}
	for _, fact := range r.facts() {
		fmt.Fprintf(&out, "| %s | %s |\n", fact.name, cell(fact.value))
	}
	fmt.Fprintf(&out, "| prompts put to a language model | %d |\n", r.LMPrompts)
	if r.Warning != "" {
		fmt.Fprintf(&out, "\n**Warning**: %s.\n", r.Warning)
	}
	if c := r.Calibration; c != nil {
		out.WriteString("\n## Reliability\n\nHow often a is the label, by the probability that " +
			"was given to it.\n\n| P(a) | pairs | mean P(a) | label a |\n|---|---|---|---|\n")
		for _, b := range c.Bins {
			mean := "-"
			if b.MeanP != nil {
				mean = fmt.Sprintf("%.3f", *b.MeanP)
			}
			fmt.Fprintf(&out, "| %.1f to %.1f | %d | %s | %s |\n", b.From, b.To, b.Happened.N, mean,
				percent(b.Happened))
		}
	}
	return out.String()
}

// fact is one line of a report.
type fact struct{ name, value string }

// facts are the lines that the terminal and the document have in common.
func (r Report) facts() (all []fact) {
	add := func(name, format string, values ...any) {
		all = append(all, fact{name, fmt.Sprintf(format, values...)})
	}
	if r.Labelled > 0 {
		add("agreement with labels", "%s; %d of %d decided, %d of %d labelled pairs undecided",
			percent(r.Agreement), r.Agreement.K, r.Agreement.N, r.Labelled-r.Agreement.N,
			r.Labelled)
	}
	if p := r.Position; p != nil {
		add("same slot preferred in both orders",
			"%s; the first in %d, the second in %d of %d pairs", percent(p.SameSlot),
			p.FirstSlot.K, p.SecondSlot.K, p.SameSlot.N)
		if r.Labelled > 0 {
			add("agreement in one order, with the better answer first", "%s",
				percent(p.BetterFirst))
			add("agreement in one order, with the better answer second", "%s",
				percent(p.BetterSecond))
		}
	}
	if c := r.Calibration; c != nil {
		add("calibration", "Brier score %.3f over %d pairs (.25: one half for all), "+
			"expected calibration error %.3f", c.Brier, c.N, c.Error)
	}
	if r.Bounded > 0 {
		add("P(a) from one label and a bound on the other", "%d pairs", r.Bounded)
	}
	if r.Text > 0 {
		add("read from text, without a probability", "%d pairs", r.Text)
	}
	for _, reason := range r.Reasons {
		add(fmt.Sprintf("invalid, %d pairs", reason.Pairs), "%s", reason.Text)
	}
	if l := r.Latency; l.Calls > 0 {
		add("latency", "%d calls of %.1f pairs, %.3g s each (median %.3g, p95 %.3g); "+
			"%.3g s in all, %.3g pairs/s", l.Calls, l.PairsPerCall, l.MeanSeconds, l.MedianSeconds,
			l.P95Seconds, l.Seconds, l.PairsPerSecond)
	}
	if u := r.Usage; u != nil {
		add("used", "%d requests, %d prompt tokens, %d completion tokens, cost %.4f",
			u.Requests, u.PromptTokens, u.CompletionTokens, u.Cost)
	}
	return all
}

// percent is a share with its interval.
func percent(s stats.Share) string {
	if s.Rate == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f %% (95 %%: %.1f to %.1f)", 100**s.Rate, 100*s.CI95[0], 100*s.CI95[1])
}

// oneLine is text as a line of at most maxReason characters that all can be seen.
func oneLine(text string) string {
	line := strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if runes := []rune(line); len(runes) > maxReason {
		return string(runes[:maxReason-1]) + "…"
	}
	return line
}

// cell is text in a cell of a Markdown table, as it is: nothing in it is read as Markdown or HTML.
func cell(text string) string {
	var out strings.Builder
	for _, r := range text {
		if strings.ContainsRune("\\`*_[]<>|&#", r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}
