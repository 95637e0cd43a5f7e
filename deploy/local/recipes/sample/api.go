package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"strings"
	"time"
)

const (
	shownRows  = 10
	longestRow = 200
	// A worker that gave no sign for so long is gone.
	patience = 15 * time.Second
)

// state is what the api says of itself and of what it depends on.
type state struct {
	Version      string       `json:"version"`
	Dependencies []dependency `json:"dependencies"`
	Visits       string       `json:"visits,omitempty"`
	Worker       string       `json:"worker,omitempty"`
	Rows         []row        `json:"rows"`
}

// dependency is one component the api is connected to, and what it answered.
type dependency struct {
	Name   string `json:"name"`
	Answer string `json:"answer"`
	OK     bool   `json:"ok"`
}

func api() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) { answer(w, look()) })
	mux.HandleFunc("POST /visits", func(w http.ResponseWriter, _ *http.Request) {
		if peer("db") != "" {
			_, _ = tell("db", "INCR visits")
		}
		if peer("cache") != "" {
			_, _ = tell("cache", "SET last "+now())
		}
		answer(w, look())
	})
	mux.HandleFunc("POST /rows", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(io.LimitReader(r.Body, longestRow))
		words := strings.Join(strings.Fields(string(text)), " ")
		if err != nil || words == "" {
			http.Error(w, "a row needs a text", http.StatusBadRequest)
			return
		}
		if peer("db") == "" {
			http.Error(w, "no db is connected", http.StatusServiceUnavailable)
			return
		}
		if _, err := tell("db", "ADD "+words); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	return mux
}

// look asks all that is connected.
func look() state {
	seen := state{Version: version(), Dependencies: []dependency{}, Rows: []row{}}
	for _, role := range []string{"db", "cache"} {
		if peer(role) == "" {
			continue
		}
		said, err := tell(role, "PING")
		if err != nil {
			said = err.Error()
		}
		seen.Dependencies = append(seen.Dependencies, dependency{role, said, err == nil})
		if role == "db" && err == nil {
			seen.read()
		}
	}
	return seen
}

func (s *state) read() {
	s.Visits, _ = tell("db", "GET visits")
	if sign, _ := tell("db", "GET worker"); sign != "" {
		s.Worker = "gone since " + sign
		if at, err := time.Parse(time.RFC3339, sign); err == nil && time.Since(at) < patience {
			s.Worker = "works"
		}
	}
	listed, err := tell("db", "ROWS")
	if err == nil {
		err = json.Unmarshal([]byte(listed), &s.Rows)
	}
	if err != nil {
		log.Printf("the rows cannot be read: %v", err)
	}
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}
