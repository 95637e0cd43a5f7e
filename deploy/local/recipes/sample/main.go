// Command sample is the application of the demo and the tests: five components in one static program, with no
// base image. What it is, it is told by its first argument; which version, by the file /version of its image.
//
//	sample web       page on 8080: its title, its version and what the api answers
//	sample api       JSON on 9000: counts visits in the db, remembers the last one in the cache
//	sample db        a store of names and values on 5432, kept in $DATA_DIR
//	sample cache     the same on 6379, kept in memory
//	sample worker    no port; works through what the cache holds
//	sample db ping   exit 0 when the db of this container answers (for a probe)
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const dialFor = 2 * time.Second

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: sample web|api|db|cache|worker|db ping|cache ping|version")
		os.Exit(2)
	}
	role := os.Args[1]
	if role == "version" {
		fmt.Println(version())
		return
	}
	if len(os.Args) > 2 && os.Args[2] == "ping" {
		if _, err := ask("127.0.0.1:"+listenPort(role), "PING"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	log.Printf("%s %s starts", role, version())
	if err := run(ctx, role); err != nil {
		log.Fatal(err)
	}
	log.Printf("%s ends", role)
}

func run(ctx context.Context, role string) error {
	switch role {
	case "web":
		return serveHTTP(ctx, role, web())
	case "api":
		return serveHTTP(ctx, role, api())
	case "db":
		store, err := open(env("DATA_DIR", "/data"))
		if err != nil {
			return err
		}
		return serveStore(ctx, role, store)
	case "cache":
		return serveStore(ctx, role, &store{values: map[string]string{}})
	case "worker":
		return work(ctx)
	default:
		return fmt.Errorf("no component is called %q", role)
	}
}

func version() string {
	text, err := os.ReadFile("/version")
	if err != nil {
		return "unversioned"
	}
	return strings.TrimSpace(string(text))
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func listenPort(role string) string {
	ports := map[string]string{"web": "8080", "api": "9000", "db": "5432", "cache": "6379"}
	return env("LISTEN_PORT", ports[role])
}

// peer is the address of another component as its connection variables name it, empty when it is not connected.
func peer(alias string) string {
	host := os.Getenv(alias + "_HOST")
	if host == "" {
		return ""
	}
	return net.JoinHostPort(host, env(alias+"_PORT", listenPort(strings.ToLower(alias))))
}

func serveHTTP(ctx context.Context, role string, handler *http.ServeMux) error {
	handler.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	handler.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, version()) })
	server := &http.Server{Addr: ":" + listenPort(role), Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(end)
	}()
	log.Printf("listening on %s", server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{{.Title}}</title>
<h1>{{.Title}}</h1>
<p>Version <strong>{{.Version}}</strong></p>
<pre>{{.Answer}}</pre>
</html>
`))

func web() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		answer := "no api is connected"
		if address := peer("API"); address != "" {
			answer = fetch("http://" + address + "/visits")
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, map[string]string{"Title": env("TITLE", "Sample"), "Version": version(), "Answer": answer})
	})
	return mux
}

func fetch(url string) string {
	client := http.Client{Timeout: dialFor}
	response, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func api() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /visits", func(w http.ResponseWriter, _ *http.Request) {
		answer := map[string]string{"version": version()}
		for alias, question := range map[string]string{"DB": "INCR visits", "CACHE": "SET last " + time.Now().UTC().Format(time.RFC3339)} {
			address := peer(alias)
			if address == "" {
				continue
			}
			said, err := ask(address, question)
			if err != nil {
				said = err.Error()
			}
			answer[strings.ToLower(alias)] = said
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	})
	return mux
}

func work(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		if address := peer("CACHE"); address != "" {
			said, err := ask(address, "GET last")
			if err != nil {
				log.Printf("the cache does not answer: %v", err)
			} else {
				log.Printf("last visit: %s", said)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// ask sends one line to a store and returns the line it answers.
func ask(address, question string) (string, error) {
	connection, err := net.DialTimeout("tcp", address, dialFor)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(dialFor))
	reader := bufio.NewReader(connection)
	for _, line := range []string{"AUTH " + os.Getenv("STORE_PASSWORD"), question} {
		if _, err := fmt.Fprintln(connection, line); err != nil {
			return "", err
		}
		answer, err := reader.ReadString('\n')
		if err != nil {
			return "", err
		}
		answer = strings.TrimSpace(answer)
		if refusal, refused := strings.CutPrefix(answer, "ERROR "); refused {
			return "", errors.New(refusal)
		}
		if line == question {
			return answer, nil
		}
	}
	return "", io.ErrUnexpectedEOF
}
