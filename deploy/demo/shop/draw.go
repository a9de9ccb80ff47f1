package shop

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"strconv"
)

// drawMug draws a product's picture.
func drawMug(l look) []byte {
	const frame = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 240" width="480" height="480">
<defs><clipPath id="b"><path d="M62 74h104v82a34 34 0 0 1-34 34H96a34 34 0 0 1-34-34z"/></clipPath></defs>
<rect width="240" height="240" fill="%s"/>
<ellipse cx="118" cy="193" rx="66" ry="9" fill="#000" opacity=".12"/>
<path d="M164 96h10a26 26 0 0 1 0 56h-12" fill="none" stroke="%s" stroke-width="13"/>
<g clip-path="url(#b)"><rect x="60" y="72" width="110" height="122" fill="%s"/>%s
<rect x="60" y="72" width="22" height="122" fill="#fff" opacity=".14"/><rect x="146" y="72" width="22" height="122" fill="#000" opacity=".10"/></g>
<ellipse cx="114" cy="74" rx="52" ry="9" fill="%s"/><ellipse cx="114" cy="75" rx="45" ry="6.5" fill="#3a2a20"/>
</svg>`
	return fmt.Appendf(nil, frame, l.wall, l.body, l.body, drawPattern(l), l.body)
}

// drawPattern draws what is on the mug, within 60..170 by 72..194.
func drawPattern(l look) string {
	var out bytes.Buffer
	switch l.pattern {
	case plain:
		fmt.Fprintf(&out, `<rect x="60" y="168" width="110" height="5" fill="%s"/>`, l.glaze)
	case stripes:
		for y := 92; y < 180; y += 20 {
			fmt.Fprintf(&out, `<rect x="60" y="%d" width="110" height="9" fill="%s"/>`, y, l.glaze)
		}
	case dots:
		for i := range 24 {
			fmt.Fprintf(&out, `<circle cx="%d" cy="%d" r="%d" fill="%s"/>`, 68+(i*43)%100, 92+(i*29)%96, 3+i%3, l.glaze)
		}
	case dipped:
		fmt.Fprintf(&out, `<path d="M60 128q14 10 28 0t28 2 28-3 28 2v70H60z" fill="%s"/>`, l.glaze)
	case mountain:
		fmt.Fprintf(&out, `<path d="M60 160l24-30 16 17 26-39 22 33 22-20v73H60z" fill="%s"/>`, l.glaze)
	case moon:
		fmt.Fprintf(&out, `<circle cx="122" cy="120" r="19" fill="%s"/><circle cx="130" cy="115" r="16" fill="%s"/>`, l.glaze, l.body)
		for i := range 14 {
			fmt.Fprintf(&out, `<circle cx="%d" cy="%d" r="1.4" fill="%s"/>`, 66+(i*37)%98, 92+(i*53)%90, l.glaze)
		}
	}
	return out.String()
}

// The shelf's picture, in pixels.
const (
	shelfWidth  = 1280
	shelfHeight = 460
	shelfBoard  = 372 // top edge of the board that the mugs stand on
)

// drawShelf draws the home page's picture: the mugs in a row on a shelf. It is
// a photograph's size and weight, so that it loads like one.
func drawShelf(products []Product) []byte {
	img := image.NewRGBA(image.Rect(0, 0, shelfWidth, shelfHeight))
	grain := rand.New(rand.NewPCG(7, 7))
	for y := range shelfHeight {
		for x := range shelfWidth {
			img.SetRGBA(x, y, backdrop(x, y, grain.Float64()))
		}
	}
	const shown = 7
	for i := range min(shown, len(products)) {
		size := 78 + float64((i*37)%23)
		drawOnShelf(img, 120+float64(i)*174, size, products[i].look)
	}
	var out bytes.Buffer
	_ = jpeg.Encode(&out, img, &jpeg.Options{Quality: 88}) // a bytes.Buffer takes everything
	return out.Bytes()
}

// backdrop is the wall, lit from the upper left, and the board.
func backdrop(x, y int, grain float64) color.RGBA {
	light := 1 - 0.28*math.Hypot(float64(x)/shelfWidth-0.25, float64(y)/shelfHeight-0.1)
	base := [3]float64{244, 226, 204}
	if y >= shelfBoard {
		ring := 6 * math.Sin(float64(y)*0.55+3*math.Sin(float64(x)*0.006))
		base = [3]float64{176 + ring, 128 + ring, 84 + ring}
		if y > shelfBoard+44 {
			light *= 0.72
		}
	}
	return shade(base, light+(grain-0.5)*0.05)
}

// drawOnShelf draws one mug, size wide, that stands on the board around x.
func drawOnShelf(img *image.RGBA, centre, size float64, l look) {
	body, glaze := rgb(l.body), rgb(l.glaze)
	height := size * 1.16
	top := shelfBoard + 6 - height
	for y := int(top) - 10; y < shelfBoard+18; y++ {
		for x := int(centre - size); x < int(centre+size*1.1); x++ {
			u, v := (float64(x)-centre)/(size/2), (float64(y)-top)/height // -1..1, 0..1
			switch {
			case inBody(u, v):
				paint := body
				if onGlaze(l.pattern, u, v) {
					paint = glaze
				}
				img.SetRGBA(x, y, shade(paint, 1.08-0.22*(u+0.35)*(u+0.35)))
			case inHandle(u, v):
				img.SetRGBA(x, y, shade(body, 0.86))
			case v > 0.96 && v < 1.08 && math.Abs(u-0.2) < 1.15:
				old := img.RGBAAt(x, y)
				img.SetRGBA(x, y, shade([3]float64{float64(old.R), float64(old.G), float64(old.B)}, 0.8))
			}
		}
	}
}

func inBody(u, v float64) bool {
	if v < 0 || v > 1 {
		return false
	}
	edge := 1.0
	if v > 0.82 { // the foot is rounded
		edge = math.Sqrt(max(0, 1-math.Pow((v-0.82)/0.24, 2)))
	}
	return math.Abs(u) <= edge
}

func inHandle(u, v float64) bool {
	r := math.Hypot((u-1.0)*0.95, (v-0.45)*2.1)
	return u > 0.9 && r > 0.42 && r < 0.66
}

func onGlaze(p pattern, u, v float64) bool {
	switch p {
	case stripes:
		return math.Mod(v*5.5, 1) < 0.45
	case dots:
		return math.Hypot(math.Mod(u*3+9, 1)-0.5, math.Mod(v*4+math.Floor(u*3+9)*0.5, 1)-0.5) < 0.24
	case dipped:
		return v > 0.5+0.03*math.Sin(u*9)
	case mountain:
		return v > 0.6-0.18*math.Abs(math.Sin(u*3.4+0.6))
	case moon:
		return math.Hypot(u-0.1, (v-0.42)*1.9) < 0.36 && math.Hypot(u-0.24, (v-0.36)*1.9) > 0.3
	case plain:
		return v > 0.84 && v < 0.88
	}
	return false
}

func shade(c [3]float64, by float64) color.RGBA {
	channel := func(v float64) uint8 { return uint8(min(max(v*by, 0), 255)) }
	return color.RGBA{channel(c[0]), channel(c[1]), channel(c[2]), 255}
}

// rgb reads a colour such as #c8694a, as the catalogue writes them.
func rgb(text string) [3]float64 {
	n, _ := strconv.ParseUint(text[1:], 16, 32) // a test reads the whole catalogue
	return [3]float64{float64(n >> 16), float64(n >> 8 & 0xff), float64(n & 0xff)}
}
