package subscription

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

func TestAnUpdateThatTakesHoursIsAnsweredAtOnce(t *testing.T) {
	world := NewWorld(t, &Billing{})
	cart := world.Start(Cart)
	began := time.Now()
	for _, expected := range []int{1, 2} {
		inCart, err := add(world, cart, 1)
		require.NoError(t, err)
		require.Equal(t, expected, inCart)
	}
	wall := time.Since(began)
	t.Logf("go: two updates of %v each took %.1f ms", ReserveTime, wall.Seconds()*1000)
	require.Less(t, wall, 5*time.Second)

	require.NoError(t, world.Client.SignalWorkflow(t.Context(), cart.GetID(), "", CheckOutSignal, nil))
	var items map[string]int
	require.NoError(t, cart.Get(t.Context(), &items))
	require.Equal(t, map[string]int{"apple": 2}, items)
	require.GreaterOrEqual(t, world.Lasted(cart), 2*ReserveTime)
	require.Less(t, world.Lasted(cart), 2*ReserveTime+time.Minute)
}

func TestAnUpdateThatTheValidatorRefusesIsNotDone(t *testing.T) {
	world := NewWorld(t, &Billing{})
	cart := world.Start(Cart)
	_, err := add(world, cart, 0)
	require.ErrorContains(t, err, "0 of apple")

	require.NoError(t, world.Client.SignalWorkflow(t.Context(), cart.GetID(), "", CheckOutSignal, nil))
	var items map[string]int
	require.NoError(t, cart.Get(t.Context(), &items))
	require.Empty(t, items)
}

// Puts apples into the cart, and awaits that they are reserved.
func add(world World, cart client.WorkflowRun, quantity int) (inCart int, err error) {
	handle, err := world.Client.UpdateWorkflow(world.t.Context(), client.UpdateWorkflowOptions{
		WorkflowID:   cart.GetID(),
		UpdateName:   AddUpdate,
		Args:         []any{"apple", quantity},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(world.t.Context(), &inCart)
	}
	return inCart, err
}
