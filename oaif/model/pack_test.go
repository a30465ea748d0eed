package model_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif/model"
)

// checkPacked asserts what every packed batch is: each sequence's rows hold its tokens at their
// positions and are the chain of nodes that attention follows, and each prefix is stored once.
func checkPacked(t *testing.T, seqs [][]int32) {
	t.Helper()
	p := model.Pack(seqs)
	n := p.Nodes
	owner := make([]int, len(n.IDs)) // node of each row
	next := int64(0)
	for i, start := range n.Start {
		if start != next || n.Len[i] < 1 || n.Parent[i] < -1 || n.Parent[i] >= int64(i) {
			t.Fatalf("%v: node %d: start %d, %d tokens, parent %d", seqs, i, start, n.Len[i],
				n.Parent[i])
		}
		for r := range n.Len[i] {
			owner[start+r] = i
		}
		next = start + n.Len[i]
	}
	if int(next) != len(n.IDs) || len(n.Positions) != len(n.IDs) {
		t.Fatalf("%v: nodes cover %d of %d rows", seqs, next, len(n.IDs))
	}
	prefixes := map[string]bool{}
	for i, s := range seqs {
		if len(p.Rows[i]) != len(s) {
			t.Fatalf("%v: sequence %d has %d rows", seqs, i, len(p.Rows[i]))
		}
		for k, row := range p.Rows[i] {
			if n.IDs[row] != int64(s[k]) || n.Positions[row] != int64(k) {
				t.Errorf("%v: token %d of sequence %d is %d at %d", seqs, k, i, n.IDs[row],
					n.Positions[row])
			}
			prefixes[fmt.Sprint(s[:k+1])] = true
		}
		if got := chain(p, owner, p.Rows[i]); !slices.Equal(got, p.Rows[i]) {
			t.Errorf("%v: sequence %d is attended as rows %v, stored as %v", seqs, i,
				got, p.Rows[i])
		}
	}
	if len(n.IDs) != len(prefixes) {
		t.Errorf("%v: %d rows for %d prefixes", seqs, len(n.IDs), len(prefixes))
	}
}

// chain lists the rows that a sequence's last token sees: its node up to itself, and all ancestors.
func chain(p model.Packed, owner []int, rows []int64) []int64 {
	last := rows[len(rows)-1]
	node := owner[last]
	var out []int64
	for r := last; r >= p.Nodes.Start[node]; r-- {
		out = append(out, r)
	}
	for i := p.Nodes.Parent[node]; i >= 0; i = p.Nodes.Parent[i] {
		for r := p.Nodes.Start[i] + p.Nodes.Len[i] - 1; r >= p.Nodes.Start[i]; r-- {
			out = append(out, r)
		}
	}
	slices.Reverse(out)
	return out
}

func TestPackCases(t *testing.T) {
	for _, seqs := range [][][]int32{
		{{1}},
		{{1, 2, 3}, {1, 2, 3}},
		{{1, 2, 3}, {1, 2}},
		{{1, 2}, {1, 2, 3}},
		{{1, 2, 3}, {4, 5}},
		{{1, 2, 3}, {1, 2, 4}, {1, 5}, {6}},
		{{7, 7, 7, 7}, {7, 7}, {7}, {7, 7, 7, 8}},
	} {
		checkPacked(t, seqs)
	}
}

func TestPackRandomSequences(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	for range 500 {
		seqs := make([][]int32, 1+rng.IntN(8))
		for i := range seqs {
			seqs[i] = make([]int32, 1+rng.IntN(7))
			for k := range seqs[i] {
				seqs[i][k] = rng.Int32N(3) // few tokens: many common prefixes
			}
		}
		checkPacked(t, seqs)
		if !reflect.DeepEqual(model.Pack(seqs), model.Pack(seqs)) {
			t.Errorf("%v: packed differently a second time", seqs)
		}
	}
}

func TestPackStoresAPairsPromptOnce(t *testing.T) {
	p := model.Pack([][]int32{{1, 2, 3, 4, 5}, {1, 2, 3, 6}})
	want := [][]int64{{0, 1, 2, 3, 4}, {0, 1, 2, 5}}
	if !reflect.DeepEqual(p.Rows, want) {
		t.Errorf("rows %v, want %v", p.Rows, want)
	}
	if n := p.Nodes; !slices.Equal(n.Positions, []int64{0, 1, 2, 3, 4, 3}) ||
		!slices.Equal(n.Start, []int64{0, 3, 5}) || !slices.Equal(n.Parent, []int64{-1, 0, 0}) {
		t.Errorf("[prompt | a | b] became %+v", n)
	}
}

func TestPackNothing(t *testing.T) {
	if p := model.Pack(nil); len(p.Nodes.IDs) != 0 || len(p.Rows) != 0 {
		t.Errorf("%+v", p)
	}
}
