// The official Web UI in front of a Temporal server, as a program.
//
//	webui ADDRESS PORT
//
// serves the UI of the server at ADDRESS (host:port, gRPC) on 127.0.0.1:PORT.
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/temporalio/ui-server/v2/server"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "webui:", err)
		os.Exit(1)
	}
}

func serve(arguments []string) error {
	if len(arguments) != 2 {
		return fmt.Errorf("wants ADDRESS and PORT, such as localhost:7233 8233")
	}
	port, err := strconv.Atoi(arguments[1])
	if err != nil {
		return fmt.Errorf("%q is no port", arguments[1])
	}
	settings := &config.Config{
		Host:                "127.0.0.1",
		Port:                port,
		TemporalGRPCAddress: arguments[0],
		EnableUI:            true,
		DisableNewsFetch:    true,
	}
	return server.NewServer(server_options.WithConfigProvider(settings)).Start()
}
