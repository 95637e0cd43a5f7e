// Command registry is the image registry of a local platform: the distribution server with a folder as its
// storage and a password file as its door, and nothing of the clouds.
//
//	registry serve CONFIG      serve as the configuration file says
//	registry password          read a password from standard input, print its bcrypt hash
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"golang.org/x/crypto/bcrypt"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "password" {
		if err := printHash(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := registry.RootCmd.Execute(); err != nil {
		os.Exit(1)
	}
}

// printHash costs 2^4 rounds only: the registry answers every request after one such check, and what it
// guards is a registry on this machine's loopback.
func printHash() error {
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(strings.TrimRight(line, "\r\n")), bcrypt.MinCost)
	if err != nil {
		return err
	}
	fmt.Println(string(hash))
	return nil
}
