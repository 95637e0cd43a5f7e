package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// store holds names and values; with a file, what it held comes back after a restart.
type store struct {
	mutex  sync.Mutex
	values map[string]string
	file   string
}

func open(folder string) (*store, error) {
	opened := &store{values: map[string]string{}, file: filepath.Join(folder, "values.json")}
	text, err := os.ReadFile(opened.file)
	if os.IsNotExist(err) {
		return opened, nil
	}
	if err != nil {
		return nil, err
	}
	return opened, json.Unmarshal(text, &opened.values)
}

func (s *store) answer(line string) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	words := strings.SplitN(line, " ", 3)
	switch {
	case words[0] == "PING":
		return "PONG"
	case words[0] == "GET" && len(words) == 2:
		return s.values[words[1]]
	case words[0] == "SET" && len(words) == 3:
		return s.keep(words[1], words[2])
	case words[0] == "INCR" && len(words) == 2:
		number, _ := strconv.Atoi(s.values[words[1]])
		return s.keep(words[1], strconv.Itoa(number+1))
	}
	return "ERROR unknown command"
}

func (s *store) keep(name, value string) string {
	s.values[name] = value
	if s.file == "" {
		return value
	}
	text, err := json.Marshal(s.values)
	if err == nil {
		err = os.WriteFile(s.file+".part", text, 0o600)
	}
	if err == nil {
		err = os.Rename(s.file+".part", s.file)
	}
	if err != nil {
		return "ERROR " + err.Error()
	}
	return value
}

func serveStore(ctx context.Context, role string, s *store) error {
	listener, err := net.Listen("tcp", ":"+listenPort(role))
	if err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		_ = listener.Close()
	}()
	log.Printf("listening on %s", listener.Addr())
	for {
		connection, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		go s.talk(connection)
	}
}

func (s *store) talk(connection net.Conn) {
	defer connection.Close()
	password := os.Getenv("STORE_PASSWORD")
	known := password == ""
	lines := bufio.NewScanner(connection)
	for lines.Scan() {
		line := lines.Text()
		answer := "ERROR say AUTH and the password first"
		if given, isAuth := strings.CutPrefix(line, "AUTH "); isAuth {
			known = password == "" || given == password
			answer = "ok"
			if !known {
				answer = "ERROR wrong password"
			}
		} else if known {
			answer = s.answer(line)
		}
		if _, err := fmt.Fprintln(connection, answer); err != nil {
			return
		}
	}
}
