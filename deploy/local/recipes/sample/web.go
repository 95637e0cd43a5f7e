package main

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"os"
	"strings"
	"time"
)

const configuration = "/etc/web/app.conf"

// shown is what the page says.
type shown struct {
	Title    string `json:"title"`
	Version  string `json:"version"`
	LogLevel string `json:"log_level"`
	Config   string `json:"config"`
	API      *state `json:"api"`
	Problem  string `json:"problem,omitempty"`
	Host     string `json:"host"`
}

func web() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, gather(http.MethodPost, "/visits"))
	})
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, gather(http.MethodGet, "/state"))
	})
	mux.HandleFunc("POST /rows", func(w http.ResponseWriter, r *http.Request) {
		response, err := call(http.MethodPost, "/rows", r.FormValue("text"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusCreated {
			http.Error(w, response.Status, response.StatusCode)
			return
		}
		// Relative: the page may lie under any path of any host.
		w.Header().Set("Location", "./")
		w.WriteHeader(http.StatusSeeOther)
	})
	return mux
}

func gather(method, path string) shown {
	host, _ := os.Hostname()
	config, _ := os.ReadFile(configuration)
	seen := shown{
		Title: env("TITLE", "Sample"), Version: version(), LogLevel: env("LOG_LEVEL", "info"),
		Config: strings.TrimSpace(string(config)), Host: host,
	}
	response, err := call(method, path, "")
	if err == nil {
		defer response.Body.Close()
		err = json.NewDecoder(response.Body).Decode(&seen.API)
	}
	if err != nil {
		seen.API, seen.Problem = nil, err.Error()
	}
	return seen
}

func call(method, path, body string) (*http.Response, error) {
	address := peer("api")
	if address == "" {
		return nil, fmt.Errorf("no api is connected")
	}
	request, err := http.NewRequest(method, "http://"+address+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	client := http.Client{Timeout: 3 * dialFor}
	return client.Do(request)
}

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"major": func(version string) string { return strings.SplitN(version, ".", 2)[0] },
	"time": func(text string) string {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return text
		}
		return at.Format("2006-01-02 15:04:05 UTC")
	},
}).Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}} {{.Version}}</title>
<style>
:root { color-scheme: light dark; --accent: #1f5fd0; }
.v2 { --accent: #0f7a4f; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
header { background: var(--accent); color: #fff; padding: 1.5rem max(1rem, calc(50vw - 22rem)); }
header h1 { margin: 0; font-size: 1.6rem; }
main { padding: 1rem max(1rem, calc(50vw - 22rem)); }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
.bad { color: #c0392b; font-weight: 600; }
pre { background: #8882; padding: .75rem; border-radius: 6px; overflow-x: auto; }
input, button { font: inherit; padding: .4rem .7rem; border-radius: 6px; border: 1px solid #8888; }
button { background: var(--accent); color: #fff; border-color: transparent; }
</style></head>
<body class="v{{major .Version}}">
<header><h1>{{.Title}}</h1>Version <strong id="version">{{.Version}}</strong></header>
<main>
<h2>What answers</h2>
<table id="dependencies">
<tr><th>web</th><td>{{.Version}}, log level {{.LogLevel}}, on {{.Host}}</td></tr>
{{with .API}}<tr><th>api</th><td>{{.Version}}</td></tr>
{{range .Dependencies}}<tr><th>{{.Name}}</th><td{{if not .OK}} class="bad"{{end}}>{{.Answer}}</td></tr>
{{end}}{{with .Worker}}<tr><th>worker</th><td>{{.}}</td></tr>
{{end}}{{with .Visits}}<tr><th>visits</th><td>{{.}}</td></tr>{{end}}{{else}}
<tr><th>api</th><td class="bad">{{.Problem}}</td></tr>{{end}}
</table>
<h2>Rows in the database</h2>
<form method="post" action="rows"><input name="text" maxlength="60" required aria-label="Text of the row">
<button>Add a row</button></form>
<table id="rows">
{{with .API}}{{range .Rows}}<tr><td>{{.Number}}</td><td>{{.Text}}</td><td>{{time .At}}</td></tr>
{{else}}<tr><td>none yet</td></tr>{{end}}{{end}}
</table>
{{with .Config}}<h2>Configuration file</h2><pre>{{.}}</pre>{{end}}
</main></body></html>
`))
