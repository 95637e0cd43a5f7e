// Command routes is the ingress controller of one local cluster: Skipper with what leads HTTP requests to Services, and
// nothing else. On every Ingress of its class it writes the address it answers at, as controllers do. As the door of a
// platform it leads requests on to the controllers of several clusters, by the domain they are for.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/zalando/skipper/dataclients/kubernetes"
	"github.com/zalando/skipper/filters/builtin"
	"github.com/zalando/skipper/loadbalancer"
	"github.com/zalando/skipper/proxy"
	"github.com/zalando/skipper/routing"
)

const every = time.Second

func main() {
	listen := flag.String("listen", "", "the address to answer at, host:port")
	api := flag.String("api", "", "the apiserver, https://host:port")
	ca := flag.String("ca", "", "the file of the apiserver's CA")
	token := flag.String("token", "", "the file of the token")
	class := flag.String("class", "", "the name of the IngressClass")
	address := flag.String("address", "", "the address to write on the Ingresses")
	ways := flag.String("door", "", "be the door instead: domain=host:port of each controller, with commas between")
	flag.Parse()
	if *ways != "" {
		log.Fatal(door(*listen, *ways))
	}

	if err := trust(*ca); err != nil {
		log.Fatal(err)
	}
	client, err := kubernetes.New(kubernetes.Options{
		KubernetesURL:                  *api,
		TokenFile:                      *token,
		IngressClass:                   "^" + *class + "$",
		KubernetesEnableEndpointslices: true,
		PathMode:                       kubernetes.PathPrefix,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	endpoints := routing.NewEndpointRegistry(routing.RegistryOptions{})
	routes := routing.New(routing.Options{
		FilterRegistry: builtin.MakeRegistry(),
		PollTimeout:    every,
		DataClients:    []routing.DataClient{client},
		PostProcessors: []routing.PostProcessor{loadbalancer.NewAlgorithmProvider(), endpoints},
		SuppressLogs:   true,
	})
	defer routes.Close()
	handler := proxy.WithParams(proxy.Params{
		Routing:          routes,
		Flags:            proxy.PreserveHost,
		EndpointRegistry: endpoints,
	})
	defer handler.Close()
	go confirm(*api, *token, *class, *address)
	server := &http.Server{Addr: *listen, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// trust makes the apiserver's CA the only one of this process: it speaks TLS with nobody else.
func trust(file string) error {
	pem, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	http.DefaultTransport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return nil
}
