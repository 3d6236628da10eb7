// kubelet - the server side of Kubernetes port-forwarding as kubelets have it, on Go's spdystream, with the few
// endpoints of an API server that kubectl asks for. It forwards to 127.0.0.1, for any pod of any namespace.
//
//	kubelet [-listen ADDR] [-cert FILE -key FILE] [-token TOKEN]
//
// Prints "listening on ADDR" once it does.
package main

import (
	"bufio"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/moby/spdystream"
)

const (
	protocol     = "portforward.k8s.io"
	pairingLimit = 30 * time.Second
)

// ---- one session --------------------------------------------------------------------------------

// A pair is the two streams of one forwarded connection.
type pair struct {
	errorStream, dataStream *spdystream.Stream
	complete                chan struct{}
}

type session struct {
	lock  sync.Mutex
	pairs map[string]*pair // by request identifier
}

// join adds a stream to its pair. It returns the pair where this stream was the first of it.
func (s *session) join(stream *spdystream.Stream) (first *pair) {
	headers := stream.Headers()
	id := headers.Get("requestID")
	s.lock.Lock()
	defer s.lock.Unlock()
	p := s.pairs[id]
	if p == nil {
		p = &pair{complete: make(chan struct{})}
		s.pairs[id] = p
		first = p
	}
	switch headers.Get("streamType") {
	case "error":
		p.errorStream = stream
	case "data":
		p.dataStream = stream
	}
	if p.errorStream != nil && p.dataStream != nil {
		delete(s.pairs, id)
		close(p.complete)
	}
	return first
}

func (s *session) handle(stream *spdystream.Stream) {
	stream.SendReply(http.Header{}, false)
	if p := s.join(stream); p != nil {
		go s.serve(p, stream)
	}
}

// serve waits for the other stream of the pair, and forwards.
func (s *session) serve(p *pair, first *spdystream.Stream) {
	select {
	case <-p.complete:
		p.forward()
	case <-time.After(pairingLimit):
		first.Reset()
	}
}

// forward copies both ways between the data stream and the port.
func (p *pair) forward() {
	defer p.errorStream.Close()
	defer p.dataStream.Close()
	port := p.dataStream.Headers().Get("port")
	target, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		fmt.Fprintf(p.errorStream, "an error occurred forwarding to port %s: %v", port, err)
		return
	}
	defer target.Close()
	done := make(chan struct{}, 2)
	go func() {
		io.Copy(target, p.dataStream)
		target.(*net.TCPConn).CloseWrite()
		done <- struct{}{}
	}()
	go func() {
		io.Copy(p.dataStream, target)
		p.dataStream.Close()
		done <- struct{}{}
	}()
	<-done
	<-done
}

// ---- requests -----------------------------------------------------------------------------------

// buffered reads first what the HTTP server had already read.
type buffered struct {
	net.Conn
	reader *bufio.Reader
}

func (b buffered) Read(bytes []byte) (int, error) { return b.reader.Read(bytes) }

func portForward(w http.ResponseWriter, r *http.Request) {
	offered := r.Header.Values("X-Stream-Protocol-Version")
	if !strings.EqualFold(r.Header.Get("Upgrade"), "SPDY/3.1") {
		http.Error(w, "unable to upgrade: missing upgrade headers", http.StatusBadRequest)
		return
	}
	if !strings.Contains(strings.Join(offered, ","), protocol) {
		w.Header().Set("X-Accepted-Stream-Protocol-Versions", protocol)
		http.Error(w, "unable to upgrade: no protocol in common", http.StatusForbidden)
		return
	}
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"+
		"X-Stream-Protocol-Version: %s\r\n\r\n", protocol)
	spdy, err := spdystream.NewConnection(buffered{conn, rw.Reader}, true)
	if err != nil {
		log.Print(err)
		return
	}
	s := &session{pairs: map[string]*pair{}}
	spdy.Serve(s.handle)
	conn.Close()
}

const (
	versions  = `{"kind":"APIVersions","versions":["v1"]}`
	groups    = `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`
	resources = `{"kind":"APIResourceList","groupVersion":"v1","resources":[` +
		`{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","shortNames":["po"],"verbs":["get","list"]},` +
		`{"name":"pods/portforward","singularName":"","namespaced":true,"kind":"PodPortForwardOptions",` +
		`"verbs":["create","get"]}]}`
	pod = `{"kind":"Pod","apiVersion":"v1","metadata":{"name":%q,"namespace":%q},` +
		`"spec":{"containers":[{"name":"c","image":"i"}]},"status":{"phase":"Running",` +
		`"conditions":[{"type":"Ready","status":"True"}]}}`
)

func serveAPI(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	isPod := len(parts) >= 6 && parts[0] == "api" && parts[2] == "namespaces" && parts[4] == "pods"
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/api":
		io.WriteString(w, versions)
	case r.URL.Path == "/apis":
		io.WriteString(w, groups)
	case r.URL.Path == "/api/v1":
		io.WriteString(w, resources)
	case isPod && len(parts) == 6:
		fmt.Fprintf(w, pod, parts[5], parts[3])
	case isPod && len(parts) == 7 && parts[6] == "portforward" && r.Method == http.MethodPost:
		portForward(w, r)
	case isPod && len(parts) == 7 && parts[6] == "portforward":
		http.Error(w, "WebSockets are not spoken here", http.StatusBadRequest)
	default:
		http.Error(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`,
			http.StatusNotFound)
	}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	cert := flag.String("cert", "", "certificate; clear text without it")
	key := flag.String("key", "", "its key")
	token := flag.String("token", "", "bearer token that requests need")
	flag.Parse()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	os.Stdout.Sync()
	server := &http.Server{
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2: it has no Hijacker
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if *token != "" && r.Header.Get("Authorization") != "Bearer "+*token {
				http.Error(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized",`+
					`"reason":"Unauthorized","code":401}`, http.StatusUnauthorized)
				return
			}
			serveAPI(w, r)
		}),
	}
	if *cert != "" {
		log.Fatal(server.ServeTLS(listener, *cert, *key))
	}
	log.Fatal(server.Serve(listener))
}
