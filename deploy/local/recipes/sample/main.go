// Command sample is the application of the demo and the tests: five components in one static program, with no
// base image. What it is, it is told by its first argument; which version, by the file /version of its image.
//
//	sample web       page on 8080: its title, its version, what the api says, and a form that adds a row
//	sample api       JSON on 9000: asks the db and the cache, each when connected; keeps visits and rows in the db
//	sample db        a store of names, values and rows on 5432, kept in $DATA_DIR
//	sample cache     a store on 6379, kept in memory
//	sample worker    no port; every few seconds leaves a sign of life in the db or looks into the cache
//	sample db ping   exit 0 when the db of this container answers (for a probe)
//
// A component finds another by {NAME}_HOST and {NAME}_PORT. A store asks for {NAME}_PASSWORD when it has one.
package main

import (
	"context"
	"errors"
	"fmt"
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
		if _, err := ask("127.0.0.1:"+listenPort(role), password(role), "PING"); err != nil {
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
		return serveHTTP(ctx, web())
	case "api":
		return serveHTTP(ctx, api())
	case "db":
		store, err := open(env("DATA_DIR", "/data"))
		if err != nil {
			return err
		}
		return serveStore(ctx, role, store)
	case "cache":
		return serveStore(ctx, role, empty())
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

func password(role string) string { return os.Getenv(strings.ToUpper(role) + "_PASSWORD") }

// peer is the address of another component as its connection variables name it, empty when it is not connected.
func peer(role string) string {
	host := os.Getenv(strings.ToUpper(role) + "_HOST")
	if host == "" {
		return ""
	}
	return net.JoinHostPort(host, env(strings.ToUpper(role)+"_PORT", listenPort(role)))
}

// tell asks another store of the application, which must be connected.
func tell(role, question string) (string, error) { return ask(peer(role), password(role), question) }

func serveHTTP(ctx context.Context, handler *http.ServeMux) error {
	handler.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	handler.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, version()) })
	server := &http.Server{Addr: ":" + listenPort(os.Args[1]), Handler: handler, ReadHeaderTimeout: 5 * time.Second}
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

// work leaves the time in the db, for others to see that it lives, and says what the cache holds.
func work(ctx context.Context) error {
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		for role, question := range map[string]string{"db": "SET worker " + now(), "cache": "GET last"} {
			if peer(role) == "" {
				continue
			}
			if said, err := tell(role, question); err != nil {
				log.Printf("the %s does not answer: %v", role, err)
			} else {
				log.Printf("the %s says %q", role, said)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }
