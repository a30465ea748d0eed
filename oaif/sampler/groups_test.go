package sampler_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/sampler"
	"github.com/oaif/oaif/torch"
)

// TestSampleGroups: Sample's answers are Generate's responses 0, 1 and so on, of a prompt that
// comes again those after them.
func TestSampleGroups(t *testing.T) {
	m, v := openAs(t, "", torch.Float32, true)
	needBits(t, m)
	for _, size := range []int{2, 3, 5} {
		opt := options()
		opt.Samples = size
		s := sampler.New(m, v, opt)
		prompts := []*oaif.Prompt{prompt(5, 3), prompt(2, 9), prompt(5, 3)}
		groups, err := s.Sample(context.Background(), 4, prompts, nil)
		if err != nil || len(groups) != 3 {
			t.Fatalf("%d groups, %v", len(groups), err)
		}
		for i, first := range []int{0, 0, size} {
			want := oaif.Group{Prompt: prompts[i], Place: i, First: first}
			for k := range size {
				want.Answers = append(want.Answers, generate(t, s, 4,
					[]sampler.Request{{Prompt: prompts[i], Response: first + k}})[0])
			}
			if !reflect.DeepEqual(groups[i], want) {
				t.Errorf("%d answers: group %d is %+v, want %+v", size, i, groups[i], want)
			}
		}
	}
}

// TestGroupsAreToldAsTheyEnd: every group is told of once, whole and with its text, and some while
// others are still sampled; also of more answers than are decoded at once.
func TestGroupsAreToldAsTheyEnd(t *testing.T) {
	m, v := open(t)
	s := sampler.New(m, v, everyEnd())
	for _, n := range []int{8, slots} {
		var prompts []*oaif.Prompt
		for i := range n {
			prompts = append(prompts, prompt(i, 1+i%9))
		}
		told, calls := map[int]oaif.Group{}, 0
		groups, err := s.Sample(context.Background(), 2, prompts, func(ended []oaif.Group) {
			calls++
			for _, g := range ended {
				if _, twice := told[g.Place]; twice {
					t.Errorf("group %d is told of twice", g.Place)
				}
				told[g.Place] = g
				for _, c := range g.Answers {
					text, err := v.Decode(c.IDs, false)
					if err != nil || c.Text != text || len(c.IDs) == 0 {
						t.Errorf("group %d is told of with %+v, %v", g.Place, c, err)
					}
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if calls < 3 || len(told) != n {
			t.Errorf("%d of %d groups told of in %d calls", len(told), n, calls)
		}
		for i, g := range groups {
			if !reflect.DeepEqual(g, told[i]) {
				t.Errorf("group %d was told of as %+v, and is %+v", i, told[i], g)
			}
		}
	}
}

// TestStoppedByWhoIsTold: a context that ends when a group is told of ends sampling with the others
// under way.
func TestStoppedByWhoIsTold(t *testing.T) {
	m, v := open(t)
	s := sampler.New(m, v, everyEnd())
	var prompts []*oaif.Prompt
	for i := range 8 {
		prompts = append(prompts, prompt(i, 3))
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	told := 0
	groups, err := s.Sample(ctx, 2, prompts, func(ended []oaif.Group) {
		told += len(ended)
		stop()
	})
	if !errors.Is(err, context.Canceled) || groups != nil || told == 0 || told == len(prompts) {
		t.Errorf("%v, with %d groups and %d told of", err, len(groups), told)
	}
}
