package subscription

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"
)

// The names that clients call a cart by.
const (
	AddUpdate      = "add"
	CheckOutSignal = "check_out"
)

// ReserveTime is how long the reservation of an item takes.
const ReserveTime = 6 * time.Hour

// Cart holds items until it is checked out and no item is being reserved.
func Cart(ctx workflow.Context) (map[string]int, error) {
	items := map[string]int{}
	turn := workflow.NewMutex(ctx)

	add := func(ctx workflow.Context, item string, quantity int) (int, error) {
		if err := turn.Lock(ctx); err != nil {
			return 0, err
		}
		defer turn.Unlock()
		if err := workflow.Sleep(ctx, ReserveTime); err != nil {
			return 0, err
		}
		items[item] += quantity
		inCart := 0
		for _, count := range items {
			inCart += count
		}
		return inCart, nil
	}
	validate := func(_ workflow.Context, item string, quantity int) error {
		if quantity < 1 {
			return fmt.Errorf("%d of %s", quantity, item)
		}
		return nil
	}
	err := workflow.SetUpdateHandlerWithOptions(ctx, AddUpdate, add, workflow.UpdateHandlerOptions{Validator: validate})
	if err != nil {
		return nil, err
	}
	workflow.GetSignalChannel(ctx, CheckOutSignal).Receive(ctx, nil)
	return items, workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}
