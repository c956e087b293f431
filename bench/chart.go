package bench

import (
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// chart is a line chart over a few named places. It is written by hand: what a
// library would add to these lines is more than they are.
type chart struct {
	title  string
	unit   string   // of the values
	places []string // along the x axis, evenly spaced
	lines  []chartLine
}

type chartLine struct {
	name   string
	values []float64 // one for each place
	ours   bool
}

// The chart's measures in pixels.
const (
	chartWidth, chartHeight = 800, 400
	plotLeft, plotRight     = 70, 520 // the names stand to the right of it
	plotTop, plotBottom     = 50, 340
)

// inks are told apart by people with any colour vision (Okabe and Ito). Ours is
// the first.
var inks = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c"}

// svg draws it. The background is white in dark mode too, so that one file does.
func (c chart) svg() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="%s">`+"\n",
		chartWidth, chartHeight, escape(c.title))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", chartWidth, chartHeight)
	text(&b, plotLeft, 24, "start", "#222222", `font-size="15" font-weight="600"`, c.title)
	top := ceiling(c.most())
	for _, share := range []float64{0, 0.25, 0.5, 0.75, 1} {
		y := c.y(share*top, top)
		fmt.Fprintf(&b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#dddddd"/>`+"\n", plotLeft, y, plotRight, y)
		text(&b, plotLeft-8, y+4, "end", "#555555", "", short(share*top))
	}
	text(&b, plotLeft, plotTop-8, "start", "#555555", "", c.unit)
	for i, place := range c.places {
		text(&b, c.x(i), plotBottom+20, "middle", "#555555", "", place)
	}
	ink := 1
	for i, l := range c.lines {
		colour, width := inks[0], 3.0
		if !l.ours {
			colour, width = inks[ink%len(inks)], 1.5
			ink++
		}
		var points []string
		for p, v := range l.values {
			points = append(points, fmt.Sprintf("%.1f,%.1f", c.x(p), c.y(v, top)))
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="%.1f"/>`+"\n", strings.Join(points, " "), colour, width)
		for p, v := range l.values {
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s, %s: %s</title></circle>`+"\n",
				c.x(p), c.y(v, top), colour, escape(l.name), escape(c.places[p]), short(v))
		}
		y := float64(plotTop + 20 + 24*i)
		fmt.Fprintf(&b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="%s" stroke-width="%.1f"/>`+"\n", plotRight+20, y-4, plotRight+44, y-4, colour, width)
		text(&b, plotRight+50, y, "start", "#222222", "", l.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (c chart) x(place int) float64 {
	step := float64(plotRight-plotLeft) / float64(max(len(c.places), 1))
	return plotLeft + step*(float64(place)+0.5)
}

func (c chart) y(value, top float64) float64 {
	return plotBottom - value/top*(plotBottom-plotTop)
}

func (c chart) most() float64 {
	most := 0.0
	for _, l := range c.lines {
		for _, v := range l.values {
			most = max(most, v)
		}
	}
	return most
}

// ceiling is the next number above v that divides well by four.
func ceiling(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10} {
		if v <= step*unit {
			return step * unit
		}
	}
	return 10 * unit
}

func short(v float64) string {
	if v >= 1000 {
		return strconv.FormatFloat(v/1000, 'f', -1, 64) + "k"
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

func text(b *strings.Builder, x, y any, anchor, colour, extra, words string) {
	fmt.Fprintf(b, `<text x="%v" y="%v" text-anchor="%s" fill="%s" %s>%s</text>`+"\n", x, y, anchor, colour, extra, escape(words))
}

func escape(words string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(words))
	return b.String()
}
