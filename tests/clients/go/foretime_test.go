package subscription

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Foretime is a server of a test's own, so that no other test moves its clock. The binary starts in milliseconds.
type Foretime struct {
	Binary  string
	Address string
}

// StartForetime starts the binary that the environment variable FORETIME names, and stops it when the test is over.
func StartForetime(t *testing.T) Foretime {
	binary := os.Getenv("FORETIME")
	require.NotEmpty(t, binary, "set FORETIME to the path of the binary")
	// Port 0 takes a free port; the first line of output tells which. Time is to skip exactly while a client awaits the
	// end of a workflow or the outcome of an update.
	server := exec.Command(binary, "serve", "--port", "0", "--time", "awaited")
	server.Stderr = os.Stderr
	stdout, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "the server ended before it listened")
	_, address, _ := strings.Cut(strings.TrimSpace(line), "listening on ")
	return Foretime{binary, address}
}

// Skip lets this much time pass, such as "45d", and waits until the workers have done all that fell due.
func (f Foretime) Skip(t *testing.T, span string) {
	output, err := exec.Command(f.Binary, "time", "skip", span, "--settle", "--address", f.Address).CombinedOutput()
	require.NoError(t, err, "%s", output)
}
