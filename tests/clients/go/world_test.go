package subscription

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
)

// World is a fresh server with one running worker, and a client.
type World struct {
	t        *testing.T
	Foretime Foretime
	Client   client.Client
	Billing  *Billing
}

// NewWorld has the workflows' worker up and polling. The test stops it at its end.
func NewWorld(t *testing.T, billing *Billing) World {
	foretime := StartForetime(t)
	// The SDK warns of every failed attempt, and the gateway fails on purpose.
	logger := log.NewStructuredLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	c, err := client.Dial(client.Options{HostPort: foretime.Address, Logger: logger})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := worker.New(c, TaskQueue, worker.Options{})
	w.RegisterWorkflow(Subscription)
	w.RegisterWorkflow(Cart)
	w.RegisterActivity(billing)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	return World{t, foretime, c, billing}
}

// Start starts a workflow.
func (w World) Start(workflow any, args ...any) client.WorkflowRun {
	options := client.StartWorkflowOptions{TaskQueue: TaskQueue}
	run, err := w.Client.ExecuteWorkflow(w.t.Context(), options, workflow, args...)
	require.NoError(w.t, err)
	return run
}

// Subscribe starts a year's subscription.
func (w World) Subscribe() client.WorkflowRun {
	return w.Start(Subscription, Plan{Customer: "ada", PriceCents: 2999, Renewals: 12})
}

// End awaits the end of a subscription.
func (w World) End(run client.WorkflowRun) Status {
	var status Status
	require.NoError(w.t, run.Get(w.t.Context(), &status))
	return status
}

// Lasted is the time between a workflow's start and its close, by the server's clock.
func (w World) Lasted(run client.WorkflowRun) time.Duration {
	description, err := w.Client.DescribeWorkflow(context.Background(), run.GetID(), run.GetRunID())
	require.NoError(w.t, err)
	require.NotNil(w.t, description.WorkflowCloseTime)
	return description.WorkflowCloseTime.Sub(description.WorkflowStartTime)
}

// RequireDays says that so many days have passed, and a little more for the work done.
func (w World) RequireDays(days int, passed time.Duration) {
	expected := time.Duration(days) * 24 * time.Hour
	require.GreaterOrEqual(w.t, passed, expected)
	require.Less(w.t, passed, expected+time.Minute)
}
