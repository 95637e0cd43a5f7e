package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// row is one line a person added.
type row struct {
	Number int    `json:"number"`
	At     string `json:"at"`
	Text   string `json:"text"`
}

// store holds names, values and rows; with a file, what it held comes back after a restart.
type store struct {
	mutex sync.Mutex
	held  struct {
		Values map[string]string `json:"values"`
		Rows   []row             `json:"rows"`
	}
	file string
}

func empty() *store {
	made := &store{}
	made.held.Values = map[string]string{}
	made.held.Rows = []row{}
	return made
}

func open(folder string) (*store, error) {
	opened := empty()
	opened.file = filepath.Join(folder, "held.json")
	text, err := os.ReadFile(opened.file)
	if os.IsNotExist(err) {
		return opened, nil
	}
	if err != nil {
		return nil, err
	}
	return opened, json.Unmarshal(text, &opened.held)
}

func (s *store) answer(line string) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	words := strings.SplitN(line, " ", 3)
	switch {
	case words[0] == "PING":
		return "PONG"
	case words[0] == "GET" && len(words) == 2:
		return s.held.Values[words[1]]
	case words[0] == "SET" && len(words) == 3:
		s.held.Values[words[1]] = words[2]
		return s.kept(words[2])
	case words[0] == "INCR" && len(words) == 2:
		number, _ := strconv.Atoi(s.held.Values[words[1]])
		s.held.Values[words[1]] = strconv.Itoa(number + 1)
		return s.kept(s.held.Values[words[1]])
	case words[0] == "ADD" && len(words) > 1:
		number := len(s.held.Rows) + 1
		s.held.Rows = append(s.held.Rows, row{number, now(), strings.TrimPrefix(line, "ADD ")})
		return s.kept(strconv.Itoa(number))
	case words[0] == "ROWS":
		text, err := json.Marshal(s.held.Rows[max(0, len(s.held.Rows)-shownRows):])
		if err != nil {
			return "ERROR " + err.Error()
		}
		return string(text)
	}
	return "ERROR unknown command"
}

// kept writes everything down before it answers: what was answered survives.
func (s *store) kept(answer string) string {
	if s.file == "" {
		return answer
	}
	if err := s.write(); err != nil {
		return "ERROR " + err.Error()
	}
	return answer
}

func (s *store) write() error {
	text, err := json.Marshal(s.held)
	if err != nil {
		return err
	}
	part, err := os.OpenFile(s.file+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = part.Write(text)
	if err := errors.Join(err, part.Sync(), part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), s.file)
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
		go s.talk(connection, password(role))
	}
}

func (s *store) talk(connection net.Conn, password string) {
	defer connection.Close()
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

// ask sends one line to a store and returns the line it answers.
func ask(address, password, question string) (string, error) {
	connection, err := net.DialTimeout("tcp", address, dialFor)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(dialFor))
	reader := bufio.NewReader(connection)
	for _, line := range []string{"AUTH " + password, question} {
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
