package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// number writes x with three significant digits, without exponent where that is readable.
func number(x float64) string {
	abs := math.Abs(x)
	switch {
	case x == 0:
		return "0"
	case abs >= 1e7 || abs < 1e-3:
		return strconv.FormatFloat(x, 'g', 3, 64)
	case abs >= 1000:
		return count(int(math.Round(x)))
	}
	digits := max(0, 2-int(math.Floor(math.Log10(abs))))
	text := strconv.FormatFloat(x, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// count writes n with a comma at every third digit.
func count(n int) string {
	text := strconv.Itoa(n)
	start := len(text) % 3
	if n < 0 {
		start = 1 + (len(text)-1)%3
	}
	parts := []string{}
	if start > 0 {
		parts = append(parts, text[:start])
	}
	for part := range slices.Chunk([]byte(text[start:]), 3) {
		parts = append(parts, string(part))
	}
	return strings.Replace(strings.Join(parts, ","), "-,", "-", 1)
}

func percent(n, of int) string {
	if of == 0 {
		return "0 %"
	}
	return number(100*float64(n)/float64(of)) + " %"
}

func gigabytes(bytes float64) string {
	if bytes < 1e8 {
		return number(bytes/1e6) + " MB"
	}
	return number(bytes/1e9) + " GB"
}

func duration(seconds float64) string {
	if seconds < 60 {
		return number(seconds) + " s"
	}
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	if d < time.Hour {
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

// words turns a record's key into text: same_position_rate into "same position rate".
func words(key string) string { return strings.ReplaceAll(key, "_", " ") }
