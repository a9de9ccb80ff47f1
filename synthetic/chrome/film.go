package chrome

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"

	"throughline/synthetic"
)

// Bounds of a film.
const (
	maxPictures     = 40
	maxFilmBytes    = 1 << 20
	filmWidth       = 400
	filmHeight      = 400
	filmQuality     = 50
	pictureInterval = 100 * time.Millisecond
)

// film keeps the last pictures that the browser sends of a page. It sends one when
// the page has changed and the one before is acknowledged.
type film struct {
	wanted bool
	// due wakes the one who acknowledges; it holds the number of the last picture.
	due chan int64

	mu       sync.Mutex
	pictures []synthetic.Picture
	bytes    int
	// still takes the next picture instead, in full size; nil if nobody waits.
	still chan []byte
}

func newFilm(wanted bool) *film { return &film{wanted: wanted, due: make(chan int64, 1)} }

// follow takes one picture.
func (f *film) follow(event any, step int) {
	e, ok := event.(*page.EventScreencastFrame)
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.still != nil {
		f.still <- e.Data
		f.still = nil
		return
	}
	at := time.Now()
	if e.Metadata != nil && e.Metadata.Timestamp > 0 {
		at = moment(e.Metadata.Timestamp)
	}
	f.add(synthetic.Picture{At: at, Step: step, JPEG: e.Data})
	select {
	case f.due <- e.SessionID:
	default: // one acknowledgement is due already
	}
}

// add forgets the oldest pictures when there is no room.
func (f *film) add(picture synthetic.Picture) {
	f.pictures = append(f.pictures, picture)
	f.bytes += len(picture.JPEG)
	for len(f.pictures) > maxPictures || f.bytes > maxFilmBytes {
		f.bytes -= len(f.pictures[0].JPEG)
		f.pictures = slices.Delete(f.pictures, 0, 1)
	}
}

func (f *film) all() []synthetic.Picture {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.pictures)
}

// last returns the last picture; nil if there is none.
func (f *film) last() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.pictures) == 0 {
		return nil
	}
	return f.pictures[len(f.pictures)-1].JPEG
}

// startFilm has the browser send pictures.
func (p *Page) startFilm(ctx context.Context) error {
	_, err := cdp.Call(ctx, p.session, page.StartScreencast, page.StartScreencastParams{
		Format: page.StartScreencastFormatJpeg, Quality: new(int64(filmQuality)),
		MaxWidth: filmWidth, MaxHeight: filmHeight, MaxFramesInFlight: 1,
	})
	return err
}

// roll acknowledges the pictures of a film, which sets its pace.
func (p *Page) roll() {
	for {
		select {
		case picture := <-p.record.film.due:
			if pause(p.alive, pictureInterval) != nil {
				return
			}
			_, err := cdp.Call(p.alive, p.session, page.ScreencastFrameAck, page.ScreencastFrameAckParams{SessionID: picture})
			if err != nil {
				p.log.Debug("film of a page", "error", err)
			}
		case <-p.alive.Done():
			return
		}
	}
}

// still returns what the browser last composed of the page, which takes no answer
// of the page. A film ends with it.
func (p *Page) still(ctx context.Context) ([]byte, error) {
	picture := make(chan []byte, 1)
	p.record.film.mu.Lock()
	p.record.film.still = picture
	p.record.film.mu.Unlock()
	_, err := cdp.Call(ctx, p.session, page.StartScreencast, page.StartScreencastParams{
		Format: page.StartScreencastFormatJpeg, Quality: new(int64(screenshotQuality)),
	})
	if err != nil {
		return nil, err
	}
	select {
	case data := <-picture:
		_, err := cdp.Call(ctx, p.session, page.StopScreencast, cdp.Empty{})
		return data, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
