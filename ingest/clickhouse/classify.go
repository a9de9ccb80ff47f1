package clickhouse

import (
	"errors"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// refusalCodes are errors of a server that will never let us in like this.
func refusalCodes() []int32 {
	return []int32{
		192, // UNKNOWN_USER
		193, // WRONG_PASSWORD
		194, // REQUIRED_PASSWORD
		291, // DATABASE_ACCESS_DENIED
		497, // ACCESS_DENIED
		516, // AUTHENTICATION_FAILED
	}
}

// poisonCodes are errors that are about the rows themselves. All others may
// pass: too many parts (252), no memory (241), a table that is not there (60) or
// lacks a column (16), a login that fails (516), a disk that is full (243).
func poisonCodes() []int32 {
	return []int32{
		6,   // CANNOT_PARSE_TEXT
		27,  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
		38,  // CANNOT_PARSE_DATE
		41,  // CANNOT_PARSE_DATETIME
		53,  // TYPE_MISMATCH
		69,  // ARGUMENT_OUT_OF_BOUND
		70,  // CANNOT_CONVERT_TYPE
		72,  // CANNOT_PARSE_NUMBER
		117, // INCORRECT_DATA
		131, // TOO_LARGE_STRING_SIZE
		321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
		349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
		376, // CANNOT_PARSE_UUID
		395, // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
		407, // DECIMAL_OVERFLOW
		441, // CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING
		469, // VIOLATED_CONSTRAINT
		675, // CANNOT_PARSE_IPV4
		676, // CANNOT_PARSE_IPV6
		691, // UNKNOWN_ELEMENT_OF_ENUM
	}
}

// isRefusal says that the server answered and will never let us in like this.
func isRefusal(err error) bool { return slices.Contains(refusalCodes(), codeOf(err)) }

// isPoison says that the rows themselves are what the server objects to, so
// that sending them again is of no use.
func isPoison(err error) bool { return slices.Contains(poisonCodes(), codeOf(err)) }

// codeOf returns the code of an error of the server, 0 for others.
func codeOf(err error) int32 {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exception.Code
	}
	return 0
}
