package torch_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wangkuiyi/gotorch"

	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

func TestEveryExceptionClassBecomesAnError(t *testing.T) {
	d := torchtest.Open(t, 1)
	codes := []torch.Code{
		torch.CodeOther, torch.CodeTorch, torch.CodeIndex, torch.CodeValue, torch.CodeType,
		torch.CodeNotImpl, torch.CodeMemory, torch.CodeDevice, torch.CodeArgument,
	}
	for _, code := range codes {
		err := d.Do(func() { torch.Throw(code) })
		var e *torch.Error
		if !errors.As(err, &e) {
			t.Errorf("code %d came back as %T", code, err)
			continue
		}
		if e.Code != code {
			t.Errorf("code %d came back as %d", code, e.Code)
		}
		if e.Error() == "" || strings.ContainsRune(e.Error(), '\n') {
			t.Errorf("code %d: the text is not one line: %q", code, e.Error())
		}
	}
	// Something thrown that is no exception at all.
	err := d.Do(func() { torch.Throw(torch.Code(99)) })
	if e := new(torch.Error); !errors.As(err, &e) || e.Code != torch.CodeOther {
		t.Errorf("a thrown int came back as %v", err)
	}
}

func TestDeviceSurvivesErrors(t *testing.T) {
	d := torchtest.Open(t, 1)
	for range 3 {
		if err := d.Do(func() { torch.Throw(torch.CodeTorch) }); err == nil {
			t.Fatal("no error came back")
		}
	}
	ran := false
	torchtest.Do(t, d, func() { ran = true })
	if !ran {
		t.Error("the device served nothing after an error")
	}
}

func TestMistakesOfCallers(t *testing.T) {
	d := torchtest.Open(t, 1)
	for _, c := range []struct {
		name string
		code torch.Code
		f    func(s *torch.Scope)
	}{
		{"no such dimension", torch.CodeIndex, func(s *torch.Scope) {
			s.Narrow(zeros(s, d, 2, 2), 5, 0, 1)
		}},
		{"too long", torch.CodeTorch, func(s *torch.Scope) {
			s.Narrow(zeros(s, d, 2, 2), 0, 1, 2)
		}},
		{"shapes differ", torch.CodeTorch, func(s *torch.Scope) {
			zeros(s, d, 2, 3).Copy(zeros(s, d, 4, 5))
		}},
		{"wrong length", torch.CodeArgument, func(s *torch.Scope) {
			zeros(s, d, 3).Write([]float32{1, 2})
		}},
		{"data and shape differ", torch.CodeArgument, func(s *torch.Scope) {
			s.FromFloat32(d, []float32{1, 2, 3}, 2, 2)
		}},
		{"negative size", torch.CodeTorch, func(s *torch.Scope) { s.FromFloat32(d, nil, -1) }},
		{"no memory", torch.CodeMemory, func(s *torch.Scope) { s.FromFloat32(d, nil, 1<<48) }},
		{"no gradient", torch.CodeArgument, func(s *torch.Scope) {
			s.Grad(zeros(s, d, 1))
		}},
		{"nothing requires a gradient", torch.CodeTorch, func(s *torch.Scope) {
			zeros(s, d).Backward()
		}},
		{"head size", torch.CodeArgument, func(*torch.Scope) {
			a := tinyArch()
			a.Ropes[0].InvFreq = a.Ropes[0].InvFreq[:1]
			torch.NewModel(d, a, torch.Float32, false)
		}},
		{"model dtype", torch.CodeArgument, func(*torch.Scope) {
			torch.NewModel(d, tinyArch(), torch.Float16, false)
		}},
	} {
		err := d.Do(func() {
			s := torch.NewScope()
			defer s.Close()
			c.f(s)
		})
		var e *torch.Error
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%s: got %#v, want code %d", c.name, err, c.code)
		} else if strings.ContainsRune(e.Message, '\n') {
			t.Errorf("%s: the text is not one line: %q", c.name, e.Message)
		}
	}
}

func TestGotorchPanicBecomesAnError(t *testing.T) {
	d := torchtest.Open(t, 1)
	err := d.Do(func() {
		s := torch.NewScope()
		defer s.Close()
		a := s.Adopt(gotorch.Full([]int64{2, 3}, 1, false))
		b := s.Adopt(gotorch.Full([]int64{4, 5}, 1, false))
		s.Adopt(gotorch.MM(a, b))
	})
	var e *torch.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %#v", err)
	}
	if strings.ContainsRune(e.Message, '\n') || !strings.Contains(e.Message, "2x3") {
		t.Errorf("not one line that names the shapes: %q", e.Message)
	}
}

func TestCatchLetsOtherPanicsPass(t *testing.T) {
	bug := errors.New("a bug")
	defer func() {
		if p := recover(); p != bug {
			t.Errorf("recovered %v", p)
		}
	}()
	err := torch.Catch(func() { panic(bug) })
	t.Errorf("Catch returned %v", err)
}

func TestCatchWithoutPanic(t *testing.T) {
	if err := torch.Catch(func() {}); err != nil {
		t.Error(err)
	}
}
