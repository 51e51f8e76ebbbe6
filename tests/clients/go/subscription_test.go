package subscription

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

func TestAYearPassesInMilliseconds(t *testing.T) {
	world := NewWorld(t, &Billing{})
	world.End(world.Subscribe()) // A warm-up: pollers, connections and caches are there.
	taken := len(world.Billing.Taken)

	began := time.Now()
	run := world.Subscribe()
	status := world.End(run)
	wall := time.Since(began)
	t.Logf("go: twelve months took %.1f ms", wall.Seconds()*1000)

	require.Equal(t, Status{State: "completed", Charges: 13, PaidCents: 13 * 2999}, status)
	world.RequireDays(360, world.Lasted(run))
	charges := world.Billing.Taken[taken:]
	require.Len(t, charges, 13)
	world.RequireDays(360, charges[12].Due.Sub(charges[0].Due))
	require.Less(t, wall, 5*time.Second)
}

func TestAFlakyGatewayIsTriedUntilItAnswers(t *testing.T) {
	world := NewWorld(t, &Billing{Failures: 2, LostReplies: 1})
	status := world.End(world.Subscribe())
	require.Equal(t, Status{State: "completed", Charges: 13, PaidCents: 13 * 2999}, status)
	require.Len(t, world.Billing.Taken, 13, "each month is paid once")
	for key, attempts := range world.Billing.Attempts {
		require.Equal(t, 4, attempts, key)
	}
}

func TestADeadGatewayIsEscalated(t *testing.T) {
	world := NewWorld(t, &Billing{Failures: 5})
	status := world.End(world.Subscribe())
	require.Equal(t, Status{State: "escalated"}, status)
	require.Equal(t, []Letter{{"ada", "month 0 cannot be charged"}}, world.Billing.Escalations)
	require.Empty(t, world.Billing.Emails)
}

func TestACancelInMidMonthStopsTheYearThere(t *testing.T) {
	world := NewWorld(t, &Billing{})
	run := world.Subscribe()
	world.Foretime.Skip(t, "45d")

	answer, err := world.Client.QueryWorkflow(t.Context(), run.GetID(), "", StatusQuery)
	require.NoError(t, err)
	var status Status
	require.NoError(t, answer.Get(&status))
	require.Equal(t, Status{State: "active", Charges: 2, PaidCents: 2 * 2999}, status)

	require.NoError(t, world.Client.SignalWorkflow(t.Context(), run.GetID(), "", CancelSignal, nil))
	require.Equal(t, Status{State: "cancelled", Charges: 2, PaidCents: 2 * 2999}, world.End(run))
	world.RequireDays(45, world.Lasted(run))
	require.Equal(t, []Letter{{"ada", "welcome"}}, world.Billing.Emails)
}

func TestFiftyAwaitedAtOnceAllEnd(t *testing.T) {
	world := NewWorld(t, &Billing{})
	runs := make([]client.WorkflowRun, 50)
	for i := range runs {
		runs[i] = world.Subscribe()
	}
	statuses := make([]Status, len(runs))
	errs := make([]error, len(runs))
	var awaiting sync.WaitGroup
	for i, run := range runs {
		awaiting.Go(func() { errs[i] = run.Get(t.Context(), &statuses[i]) })
	}
	awaiting.Wait()
	for i, status := range statuses {
		require.NoError(t, errs[i])
		require.Equal(t, Status{State: "completed", Charges: 13, PaidCents: 13 * 2999}, status)
	}
	require.Len(t, world.Billing.Taken, 50*13)
}
