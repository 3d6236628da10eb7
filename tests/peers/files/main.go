// files serves a folder over HTTP/2 and TLS, as Go's own library does it, for tests.
//
//	files FOLDER ADDRESS CERTIFICATE KEY
package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	log.SetFlags(0)
	folder := http.FileServer(http.Dir(os.Args[1]))
	log.Fatal(http.ListenAndServeTLS(os.Args[2], os.Args[3], os.Args[4], folder))
}
