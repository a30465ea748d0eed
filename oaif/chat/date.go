package chat

import (
	"fmt"
	"strings"
	"time"

	"github.com/ardanlabs/jinja"
)

// today is the date that every template sees: the one Llama 3.1's template falls back to.
var today = time.Date(2024, time.July, 26, 0, 0, 0, 0, time.UTC)

const dateString = "26 Jul 2024"

// dateFields gives the Go layout of each strftime field in use.
var dateFields = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'B': "January", 'b': "Jan", 'd': "02",
	'A': "Monday", 'a': "Mon",
	'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'j': "002",
}

// strftimeNow is the template function of that name, with the clock stopped at today.
func strftimeNow(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
	if len(args) != 1 || !args[0].IsString() {
		return jinja.Undefined(), fmt.Errorf("strftime_now wants one format string")
	}
	format := args[0].AsString()
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			out.WriteByte(format[i])
			continue
		}
		i++
		layout, ok := dateFields[format[i]]
		switch {
		case ok:
			out.WriteString(today.Format(layout))
		case format[i] == '%':
			out.WriteByte('%')
		default:
			return jinja.Undefined(), fmt.Errorf("strftime_now does not know %%%c", format[i])
		}
	}
	return jinja.NewString(out.String()), nil
}
