package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// ignored are keys of a JSON object that change nothing here, with the values that they may have;
// nil allows all. null is allowed always, and means that the key is not there.
type ignored map[string][]string

// Of both kinds of requests. Those with any value are notes of the client's, or hints.
var ignoredKeys = ignored{
	"user": nil, "metadata": nil, "store": nil, "service_tier": nil, "safety_identifier": nil,
	"prompt_cache_key": nil, "prompt_cache_retention": nil,
	"frequency_penalty": {"0", "0.0"}, "presence_penalty": {"0", "0.0"}, "logit_bias": {"{}"},
	"best_of": {"1"}, "suffix": {`""`},
	"tools": {"[]"}, "tool_choice": {`"none"`, `"auto"`}, "parallel_tool_calls": {"true", "false"},
	"functions": {"[]"}, "function_call": {`"none"`, `"auto"`},
	"response_format": {`{"type":"text"}`}, "modalities": {`["text"]`},
}

// Of a message, as a client may hand it back that got it as an answer.
var ignoredOfMessage = ignored{
	"name": nil, "refusal": nil, "annotations": {"[]"}, "tool_calls": {"[]"}, "function_call": {},
	"audio": {},
}

// Of a part of a message.
var ignoredOfPart = ignored{}

// decode reads a JSON object into a struct. A key that neither the struct nor skip has, and a value
// of skip that would change something, is refused by name; in is where the object lies, with a dot
// behind it, or "".
func decode(data []byte, in string, skip ignored, into any) *failure {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil || keys == nil {
		return invalidf(strings.TrimSuffix(in, "."), "wants a JSON object%s", because(err))
	}
	for key, value := range keys {
		if !plain(key) { // which the decoder might take for another one
			return invalidf(in+brief(key), "is not known to this server")
		}
		allowed, known := skip[key]
		isNull := string(value) == "null"
		if known && !isNull && allowed != nil && !slices.Contains(allowed, compact(value)) {
			return invalidf(in+key, "is not supported with the value %s", brief(compact(value)))
		}
		if known || isNull {
			delete(keys, key)
		}
	}
	rest, err := json.Marshal(keys)
	if err != nil {
		return invalidf(strings.TrimSuffix(in, "."), "cannot be read: %v", err)
	}
	d := json.NewDecoder(bytes.NewReader(rest))
	d.DisallowUnknownFields()
	return refusal(d.Decode(into), in)
}

// plain tells keys of small letters, as all of the API's are, from those that JSON's decoder folds.
func plain(key string) bool {
	return key == strings.ToLower(key) &&
		!strings.ContainsFunc(key, func(r rune) bool { return r >= utf8.RuneSelf })
}

// refusal says what a JSON decoder found wrong.
func refusal(err error, in string) *failure {
	if err == nil {
		return nil
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		field := strings.TrimPrefix(kind.Field, "common.")
		return invalidf(in+field, "wants a value of type %s, got one of type %s",
			nameOf(kind.Type), kind.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = in + strings.Trim(name, `"`)
		return invalidf(name, "is not known to this server")
	}
	return invalidf(strings.TrimSuffix(in, "."), "cannot be read: %v", err)
}

// nameOf is what JSON calls a type.
func nameOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Slice:
		return "list"
	}
	return "object"
}

func because(err error) string {
	if err == nil {
		return ", got null"
	}
	return ": " + err.Error()
}

func compact(value json.RawMessage) string {
	var out bytes.Buffer
	if err := json.Compact(&out, value); err != nil {
		return string(value)
	}
	return out.String()
}

// brief cuts a text that is quoted back.
func brief(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}
