package subscription

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

func Month(ctx workflow.Context) (string, error) {
	return "a month later", workflow.Sleep(ctx, 30*24*time.Hour)
}

// README: begin
func TestAMonth(t *testing.T) {
	c, err := client.Dial(client.Options{HostPort: StartForetime(t).Address})
	require.NoError(t, err)
	defer c.Close()
	w := worker.New(c, "months", worker.Options{})
	w.RegisterWorkflow(Month) // it sleeps for 30 days
	require.NoError(t, w.Start())
	defer w.Stop()

	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: "months"}, Month)
	require.NoError(t, err)
	var answer string
	require.NoError(t, run.Get(t.Context(), &answer)) // time skips while the test waits here
	require.Equal(t, "a month later", answer)
}

// README: end
