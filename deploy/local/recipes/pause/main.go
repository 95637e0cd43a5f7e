// Command pause is the first process of a sandbox: it takes in processes that lost their parent, and ends when told.
//
//	pause            of a pod: holds its namespaces
//	pause machine    of a whole cluster: when told to end, it ends all the others first
package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	grace = 3 * time.Second
	look  = 20 * time.Millisecond
)

func main() {
	machine := len(os.Args) > 1 && os.Args[1] == "machine"
	told := make(chan os.Signal, 16)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for received := range told {
		if received != syscall.SIGCHLD {
			break
		}
		for reap() {
		}
	}
	if machine {
		endAll()
	}
}

// reap buries one ended child, and says whether there was one.
func reap() bool {
	pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
	return err == nil && pid > 0
}

// endAll asks every process it can see to end and waits a little; what stays is killed with this one.
func endAll() {
	if os.Getpid() != 1 {
		return // outside of a process namespace of one's own that would be everything there is
	}
	_ = syscall.Kill(-1, syscall.SIGTERM)
	for end := time.Now().Add(grace); time.Now().Before(end); time.Sleep(look) {
		for reap() {
		}
		if syscall.Kill(-1, 0) == syscall.ESRCH {
			return
		}
	}
}
