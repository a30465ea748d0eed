package serve

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/oaif/oaif/oaif/engine"
)

// modelInfo is a model as the API lists it.
type modelInfo struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Owner   string `json:"owned_by"`
	// Length is how many tokens prompt and answer may have together; not of the API.
	Length int `json:"max_model_len"`
}

func (s *Server) model() modelInfo {
	return modelInfo{s.opt.Name, "model", s.started.Unix(), "oaif", s.engine.Length()}
}

func (s *Server) listModels(w http.ResponseWriter, _ *http.Request) *failure {
	return writeJSON(w, struct {
		Object string      `json:"object"`
		Data   []modelInfo `json:"data"`
	}{"list", []modelInfo{s.model()}})
}

func (s *Server) oneModel(w http.ResponseWriter, r *http.Request) *failure {
	if id := r.PathValue("id"); id != s.opt.Name {
		return &failure{status: http.StatusNotFound, kind: typeInvalid, code: "model_not_found",
			message: "there is no other model than " + s.opt.Name}
	}
	return writeJSON(w, s.model())
}

// health says whether requests are taken.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) *failure {
	if s.ending.Load() {
		return failureOf(engine.ErrClosed)
	}
	return writeJSON(w, struct {
		Status string `json:"status"`
	}{"ok"})
}

// unknown answers what no other handler does.
func (s *Server) unknown(_ http.ResponseWriter, r *http.Request) *failure {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		known := r.Clone(r.Context())
		known.Method = method
		if _, pattern := s.mux.Handler(known); pattern != "/" {
			return &failure{status: http.StatusMethodNotAllowed, kind: typeInvalid,
				message: r.URL.Path + " wants " + method}
		}
	}
	return &failure{status: http.StatusNotFound, kind: typeInvalid,
		message: "there is nothing at " + strings.ToValidUTF8(brief(r.URL.Path), "?") +
			": docs/serve.md lists what there is"}
}

func writeJSON[T any](w http.ResponseWriter, v T) *failure {
	body, err := json.Marshal(v)
	if err != nil {
		return failureOf(err)
	}
	writeBody(w, http.StatusOK, body)
	return nil
}
