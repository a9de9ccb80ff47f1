package reporting

import "testing"

func BenchmarkDecode(b *testing.B) {
	for _, f := range fixtures(b, "good_") {
		switch f.name {
		case "good_chrome_csp", "good_chrome_nel_dns", "good_firefox_report_uri":
		default:
			continue
		}
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(int64(len(f.body)))
			b.ReportAllocs()
			for b.Loop() {
				if reports, rejects, err := Decode(f.contentType, f.body); err != nil || len(rejects) > 0 || len(reports) == 0 {
					b.Fatal(rejects, err)
				}
			}
		})
	}
}
