package report

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"regexp"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Charts are drawn in marker colours that stand for variables of the style sheet, so that one
// drawing serves the light and the dark page.
var (
	axisColor = color.RGBA{R: 1, B: 1, A: 255}
	gridColor = color.RGBA{R: 1, B: 2, A: 255}
	textColor = color.RGBA{R: 1, B: 3, A: 255}
)

func lineColor(n int) color.Color { return color.RGBA{R: 2, B: uint8(1 + n%palette), A: 255} }
func bandColor(n int) color.Color { return color.RGBA{R: 3, B: uint8(1 + n%palette), A: 255} }

// palette is the number of colours for series in the style sheet.
const palette = 7

// Size of a chart in the SVG's own units; the page scales it.
const (
	chartWidth  = vg.Length(360)
	chartHeight = vg.Length(200)
)

// kind is how a series is drawn.
type kind int

const (
	solid  kind = iota
	dashed      // a value to compare with
	dots        // a curve through few values, such as evaluations
	bars        // filled columns up to y, x is their middle; the caller stacks them
)

// series is one curve. lo and hi, where there are any, are the interval around each y.
type series struct {
	label  string
	kind   kind
	colour int
	x, y   []float64
	lo, hi []float64
}

// axes limits the plot: NaN leaves a side to the data.
type axes struct {
	yMin, yMax float64
	rule       float64 // a horizontal line to compare with
	steps      bool    // x counts training steps
}

// svg draws the series into one inline SVG image.
func svg(list []series, ax axes) (image template.HTML, err error) {
	// gonum/plot reports impossible ranges by panicking.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("report: drawing a chart: %v", r)
		}
	}()
	p := plot.New()
	p.BackgroundColor = color.Transparent
	style(p, ax)
	grid := plotter.NewGrid()
	grid.Vertical.Color = nil
	grid.Horizontal = draw.LineStyle{Color: gridColor, Width: .75}
	p.Add(grid)
	for _, s := range list {
		if err := addSeries(p, thin(s)); err != nil {
			return "", fmt.Errorf("report: chart: %w", err)
		}
	}
	limits(p, ax)
	if !math.IsNaN(ax.rule) {
		rule := draw.LineStyle{Color: axisColor, Width: 1, Dashes: []vg.Length{3, 3}}
		err := addLine(p, []float64{p.X.Min, p.X.Max}, []float64{ax.rule, ax.rule}, rule)
		if err != nil {
			return "", err
		}
	}
	canvas := vgsvg.New(chartWidth, chartHeight)
	p.Draw(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", err
	}
	return inline(out.String()), nil
}

func style(p *plot.Plot, ax axes) {
	face := font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, 11)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle = draw.LineStyle{}
		axis.Tick.LineStyle = draw.LineStyle{}
		axis.Tick.Label.Font = face
		axis.Tick.Label.Color = textColor
		axis.Tick.Marker = ticks{}
	}
	p.X.Padding, p.Y.Padding = 0, 4 // the axis of x lies at the least y
	p.X.LineStyle = draw.LineStyle{Color: axisColor, Width: .75}
	p.X.Tick.LineStyle, p.X.Tick.Length = p.X.LineStyle, 4
	p.X.Tick.Marker = ticks{whole: ax.steps}
}

// limits sets the range of y: what ax says, else what the data fill, with a margin.
func limits(p *plot.Plot, ax axes) {
	if !math.IsNaN(ax.rule) {
		p.Y.Min, p.Y.Max = min(p.Y.Min, ax.rule), max(p.Y.Max, ax.rule)
	}
	margin := .05 * (p.Y.Max - p.Y.Min)
	if margin == 0 {
		margin = max(.1*math.Abs(p.Y.Max), 1e-9)
	}
	p.Y.Min, p.Y.Max = p.Y.Min-margin, p.Y.Max+margin
	if !math.IsNaN(ax.yMin) {
		p.Y.Min = ax.yMin
	}
	if !math.IsNaN(ax.yMax) {
		p.Y.Max = ax.yMax
	}
	if p.Y.Max <= p.Y.Min {
		p.Y.Max = p.Y.Min + 1
	}
	if p.X.Min == p.X.Max {
		p.X.Max++
	}
}

func addSeries(p *plot.Plot, s series) error {
	if len(s.x) == 0 {
		return nil
	}
	if s.lo != nil {
		if err := addBand(p, s); err != nil {
			return err
		}
	}
	line := draw.LineStyle{Color: lineColor(s.colour), Width: 1.75}
	switch s.kind {
	case bars:
		return addBars(p, s)
	case dashed:
		line.Dashes = []vg.Length{5, 3}
	}
	if err := addLine(p, s.x, s.y, line); err != nil {
		return err
	}
	if s.kind != dots && len(s.x) > 1 {
		return nil
	}
	points, err := plotter.NewScatter(points(s.x, s.y))
	if err != nil {
		return err
	}
	points.GlyphStyle = draw.GlyphStyle{Color: line.Color, Radius: 3, Shape: draw.CircleGlyph{}}
	p.Add(points)
	return nil
}

func points(x, y []float64) plotter.XYs {
	xys := make(plotter.XYs, len(x))
	for i := range x {
		xys[i] = plotter.XY{X: x[i], Y: y[i]}
	}
	return xys
}

func addLine(p *plot.Plot, x, y []float64, style draw.LineStyle) error {
	line, err := plotter.NewLine(points(x, y))
	if err != nil {
		return err
	}
	line.LineStyle = style
	p.Add(line)
	return nil
}

func addBand(p *plot.Plot, s series) error {
	ring := points(s.x, s.hi)
	for i := len(s.x) - 1; i >= 0; i-- {
		ring = append(ring, plotter.XY{X: s.x[i], Y: s.lo[i]})
	}
	return addPolygon(p, ring, bandColor(s.colour))
}

func addBars(p *plot.Plot, s series) error {
	width := 1.
	if len(s.x) > 1 {
		width = (s.x[len(s.x)-1] - s.x[0]) / float64(len(s.x)-1)
	}
	for i, x := range s.x {
		left, right := x-.45*width, x+.45*width
		ring := points([]float64{left, left, right, right}, []float64{0, s.y[i], s.y[i], 0})
		if err := addPolygon(p, ring, lineColor(s.colour)); err != nil {
			return err
		}
	}
	return nil
}

func addPolygon(p *plot.Plot, ring plotter.XYs, fill color.Color) error {
	polygon, err := plotter.NewPolygon(ring)
	if err != nil {
		return err
	}
	polygon.Color, polygon.LineStyle = fill, draw.LineStyle{}
	p.Add(polygon)
	return nil
}

var (
	seriesMarker = regexp.MustCompile(`(fill|stroke):#0200(0[1-7])`)
	bandMarker   = regexp.MustCompile(`fill:#0300(0[1-7])`)
	fontMarker   = regexp.MustCompile(`font-family:[^;"]*;font-variant:[^;"]*;font-weight:[^;"]*;` +
		`font-style:[^;"]*;`)
)

// inline takes the drawing out of its XML file and puts the page's colours and font in.
func inline(drawing string) template.HTML {
	_, body, _ := strings.Cut(drawing, "xmlns:xlink=")
	_, body, _ = strings.Cut(body, ">")
	body = strings.NewReplacer("#010001", "var(--axis)", "#010002", "var(--grid)",
		"#010003", "var(--muted)").Replace(body)
	body = seriesMarker.ReplaceAllString(body, "$1:var(--s$2)")
	body = bandMarker.ReplaceAllString(body, "fill:var(--s$1);fill-opacity:.16")
	body = fontMarker.ReplaceAllString(body, "")
	head := fmt.Sprintf(`<svg viewBox="0 0 %g %g" aria-hidden="true">`,
		chartWidth.Points(), chartHeight.Points())
	// The drawing holds numbers and tick labels only, no text of the run.
	return template.HTML(head + body)
}
