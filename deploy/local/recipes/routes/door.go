package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// door answers at one address of this machine for several controllers, each known by the domain of its hosts. Where the
// address is taken it waits until it is free.
func door(listen, ways string) error {
	behind := map[string]*httputil.ReverseProxy{}
	for _, way := range strings.Split(ways, ",") {
		domain, to, found := strings.Cut(way, "=")
		if !found {
			return fmt.Errorf("%q names no controller", way)
		}
		target := &url.URL{Scheme: "http", Host: to}
		behind["."+domain] = &httputil.ReverseProxy{Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(target)
			request.SetXForwarded()
			request.Out.Host = request.In.Host
		}}
	}
	listener := open(listen)
	lead := func(answer http.ResponseWriter, request *http.Request) {
		host, _, err := net.SplitHostPort(request.Host)
		if err != nil {
			host = request.Host
		}
		for domain, proxy := range behind {
			if strings.HasSuffix(host, domain) {
				proxy.ServeHTTP(answer, request)
				return
			}
		}
		http.Error(answer, "no cluster of this platform has hosts like this one", http.StatusNotFound)
	}
	server := &http.Server{Handler: http.HandlerFunc(lead), ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}

func open(listen string) net.Listener {
	for said := false; ; said = true {
		listener, err := net.Listen("tcp", listen)
		if err == nil {
			return listener
		}
		if !said {
			log.Printf("waits until %s is free: %v", listen, err)
		}
		time.Sleep(2 * time.Second)
	}
}
