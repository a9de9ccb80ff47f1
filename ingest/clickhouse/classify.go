package clickhouse

import (
	"errors"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Codes of ClickHouse's errors.
const (
	codeCannotParse          = 6
	codeTypeMismatch         = 53
	codeIncorrectData        = 117
	codeValueOutOfRange      = 321
	codeUnknownUser          = 192
	codeWrongPassword        = 193
	codeRequiredPassword     = 194
	codeDatabaseAccessDenied = 291
	codeAccessDenied         = 497
	codeAuthenticationFailed = 516
)

// isRefusal says that the server answered and will never let us in like this.
func isRefusal(err error) bool {
	return hasCode(err, codeUnknownUser, codeWrongPassword, codeRequiredPassword, codeDatabaseAccessDenied, codeAccessDenied, codeAuthenticationFailed)
}

// errCannotEncode is a value that does not fit its column.
var errCannotEncode = errors.New("the value does not fit the column")

// isPoison says that the rows themselves are what the server, or the encoding,
// objects to, so that sending them again is of no use.
func isPoison(err error) bool {
	return errors.Is(err, errCannotEncode) || hasCode(err, codeCannotParse, codeTypeMismatch, codeIncorrectData, codeValueOutOfRange)
}

func hasCode(err error, codes ...int32) bool {
	var exception *clickhouse.Exception
	return errors.As(err, &exception) && slices.Contains(codes, exception.Code)
}
