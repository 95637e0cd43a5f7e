package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

const group = "/apis/networking.k8s.io/v1"

type ingress struct {
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Spec struct {
		Class string `json:"ingressClassName"`
	} `json:"spec"`
	Status status `json:"status"`
}

type status struct {
	LoadBalancer struct {
		Ingress []point `json:"ingress"`
	} `json:"loadBalancer"`
}

type point struct {
	IP string `json:"ip,omitempty"`
}

// confirm writes the address on each Ingress of the class that does not carry it yet; it goes on for ever.
func confirm(api, token, class, address string) {
	for {
		if err := confirmAll(api, token, class, address); err != nil {
			log.Print(err)
		}
		time.Sleep(every)
	}
}

func confirmAll(api, token, class, address string) error {
	var list struct {
		Items []ingress `json:"items"`
	}
	if err := ask(http.MethodGet, api+group+"/ingresses", token, nil, &list); err != nil {
		return err
	}
	for _, item := range list.Items {
		points := item.Status.LoadBalancer.Ingress
		if item.Spec.Class != class || (len(points) == 1 && points[0].IP == address) {
			continue
		}
		var said struct {
			Status status `json:"status"`
		}
		said.Status.LoadBalancer.Ingress = []point{{IP: address}}
		where := fmt.Sprintf("%s%s/namespaces/%s/ingresses/%s/status", api, group, item.Metadata.Namespace, item.Metadata.Name)
		if err := ask(http.MethodPatch, where, token, said, nil); err != nil {
			return err
		}
	}
	return nil
}

func ask(method, where, token string, body, answer any) error {
	secret, err := os.ReadFile(token)
	if err != nil {
		return err
	}
	sent, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, where, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(secret)))
	request.Header.Set("Content-Type", "application/merge-patch+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		words, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		return fmt.Errorf("%s %s: %s %s", method, where, response.Status, words)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
