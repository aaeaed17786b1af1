// Usage: client URL CA-FILE. The requests of test/clients, by net/http: one client with its pool.
package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	authority, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
	ask := func(method, path string, body []byte) {
		request, err := http.NewRequest(method, os.Args[1]+path, bytes.NewReader(body))
		if err != nil {
			log.Fatal(err)
		}
		answer, err := client.Do(request)
		if err != nil {
			log.Fatal(err)
		}
		content, err := io.ReadAll(answer.Body)
		if err != nil {
			log.Fatal(err)
		}
		answer.Body.Close()
		fmt.Printf("%s %s %d %d %x\n", method, path, answer.StatusCode, len(content), sha256.Sum256(content))
	}
	ask("GET", "/small", nil)
	ask("GET", "/large", nil)
	ask("POST", "/echo", bytes.Repeat([]byte("x"), 100_000))
	ask("HEAD", "/small", nil)
	ask("GET", "/missing", nil)
}
