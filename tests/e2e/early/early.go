// One request with net/http: early URL BYTES [NAME VALUE]. Prints the status, or the error. Any certificate will do.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

func get() (*http.Response, error) {
	size, err := strconv.Atoi(os.Args[2])
	if err != nil {
		return nil, err
	}
	method, body := "GET", io.Reader(nil)
	if size > 0 {
		method, body = "POST", bytes.NewReader(make([]byte, size))
	}
	ctx, _ := context.WithTimeout(context.Background(), 20*time.Second)
	request, err := http.NewRequestWithContext(ctx, method, os.Args[1], body)
	if err != nil {
		return nil, err
	}
	if len(os.Args) > 3 {
		request.Header.Set(os.Args[3], os.Args[4])
	}
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	return (&http.Client{Transport: transport}).Do(request)
}

func main() {
	response, err := get()
	if err == nil {
		time.Sleep(100 * time.Millisecond) // a reset behind the response would arrive by now
		_, err = io.ReadAll(response.Body)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(response.Proto, response.StatusCode)
}
