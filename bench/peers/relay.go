// SPDX-License-Identifier: Apache-2.0

// A relay as one writes it in Go: io.Copy in both directions, which uses splice where it can. For bench/relay.sh.
//
//	relay LISTEN_PORT SERVER_PORT
package main

import (
	"io"
	"net"
	"os"
	"time"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	for {
		client, err := listener.Accept()
		if err != nil { // short of descriptors: each copy that splices holds a pipe
			time.Sleep(10 * time.Millisecond)
			continue
		}
		go serve(client.(*net.TCPConn))
	}
}

func serve(client *net.TCPConn) {
	defer client.Close()
	connection, err := net.Dial("tcp", "127.0.0.1:"+os.Args[2])
	if err != nil {
		return
	}
	server := connection.(*net.TCPConn)
	defer server.Close()
	done := make(chan bool)
	go func() {
		carry(server, client)
		done <- true
	}()
	carry(client, server)
	<-done
}

func carry(to, from *net.TCPConn) {
	io.Copy(to, from)
	to.CloseWrite()
}
