package config

import (
	"fmt"
	"math"
	"reflect"
	"time"
)

// fields is the map of a Config by TOML key path.
type fields struct {
	leaf  map[string]reflect.Value // "train.steps" -> settable field
	table map[string]bool          // "train"
	order []string                 // the leaf key paths in declaration order
}

// fieldsOf walks c's struct tags, so that the structs are the only list of keys.
func fieldsOf(c *Config) *fields {
	f := &fields{leaf: map[string]reflect.Value{}, table: map[string]bool{}}
	root := reflect.ValueOf(c).Elem()
	for i := range root.NumField() {
		table := root.Type().Field(i).Tag.Get("toml")
		f.table[table] = true
		sub := root.Field(i)
		for j := range sub.NumField() {
			key := table + "." + sub.Type().Field(j).Tag.Get("toml")
			f.leaf[key] = sub.Field(j)
			f.order = append(f.order, key)
		}
	}
	return f
}

func isString(v reflect.Value) bool { return v.Kind() == reflect.String }

// setField stores the decoded TOML value v in field, whose type decides what is accepted.
func setField(field reflect.Value, v any) error {
	switch field.Kind() {
	case reflect.String:
		s, ok := v.(string)
		if !ok {
			return mismatch("a string", v)
		}
		field.SetString(s)
	case reflect.Bool:
		b, ok := v.(bool)
		if !ok {
			return mismatch("true or false", v)
		}
		field.SetBool(b)
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, ok := v.(int64)
		if !ok {
			return mismatch("an integer", v)
		}
		if field.OverflowInt(n) {
			return fmt.Errorf("%d is out of range", n)
		}
		field.SetInt(n)
	case reflect.Float64:
		return setFloat(field, v)
	case reflect.Slice, reflect.Array:
		return setList(field, v)
	}
	return nil
}

func setFloat(field reflect.Value, v any) error {
	x, ok := v.(float64)
	if n, isInt := v.(int64); isInt {
		x, ok = float64(n), true
	}
	if !ok {
		return mismatch("a number", v)
	}
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Errorf("wants a finite number, got %v", x)
	}
	field.SetFloat(x)
	return nil
}

func setList(field reflect.Value, v any) error {
	list, ok := v.([]any)
	if !ok {
		return mismatch("a list", v)
	}
	if field.Kind() == reflect.Array && len(list) != field.Len() {
		return fmt.Errorf("wants %d values, got %d", field.Len(), len(list))
	}
	if field.Kind() == reflect.Slice {
		field.Set(reflect.MakeSlice(field.Type(), len(list), len(list)))
	}
	for i, item := range list {
		if err := setField(field.Index(i), item); err != nil {
			return fmt.Errorf("value %d: %w", i+1, err)
		}
	}
	return nil
}

func mismatch(wants string, v any) error {
	return fmt.Errorf("wants %s, got %s", wants, describe(v))
}

// describe names a decoded TOML value for an error message.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the string %q", v)
	case int64:
		return fmt.Sprintf("the integer %d", v)
	case float64:
		return fmt.Sprintf("the number %v", v)
	case bool:
		return fmt.Sprint(v)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	case time.Time:
		return "a date"
	}
	return "a list of tables"
}
