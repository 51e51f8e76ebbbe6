// Package subscription is a year's subscription on the official Go SDK. Nothing but its tests knows of a test server.
package subscription

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// TaskQueue is where subscriptions and carts find their worker.
const TaskQueue = "subscriptions"

// The names that clients call a subscription by.
const (
	CancelSignal = "cancel"
	StatusQuery  = "status"
)

const month = 30 * 24 * time.Hour

// Plan is what the customer signed up for.
type Plan struct {
	Customer   string
	PriceCents int
	Renewals   int
}

// Status is what the query answers, and what the workflow returns.
type Status struct {
	State     string
	Charges   int
	PaidCents int
}

// Subscription charges now and after each month, until the year is over or the customer leaves. It ends "completed",
// "cancelled" or "escalated".
func Subscription(ctx workflow.Context, plan Plan) (Status, error) {
	status := Status{State: "active"}
	err := workflow.SetQueryHandler(ctx, StatusQuery, func() (Status, error) { return status, nil })
	if err != nil {
		return status, err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    2 * time.Second,
			BackoffCoefficient: 2,
			MaximumAttempts:    5,
		},
	})
	cancel := workflow.GetSignalChannel(ctx, CancelSignal)
	var billing *Billing // The worker's; a workflow only names its methods.

	for number := range plan.Renewals + 1 {
		if number > 0 {
			if cancelled, _ := cancel.ReceiveWithTimeout(ctx, month, nil); cancelled {
				status.State = "cancelled"
				return status, nil
			}
		}
		charge := Charge{
			IdempotencyKey: fmt.Sprintf("%s/%d", workflow.GetInfo(ctx).WorkflowExecution.ID, number),
			Customer:       plan.Customer,
			AmountCents:    plan.PriceCents,
			Due:            workflow.Now(ctx),
		}
		err := workflow.ExecuteActivity(ctx, billing.Charge, charge).Get(ctx, nil)
		if failed := new(temporal.ActivityError); errors.As(err, &failed) {
			status.State = "escalated"
			letter := Letter{plan.Customer, fmt.Sprintf("month %d cannot be charged", number)}
			return status, workflow.ExecuteActivity(ctx, billing.Escalate, letter).Get(ctx, nil)
		}
		if err != nil {
			return status, err
		}
		status.Charges++
		status.PaidCents += plan.PriceCents
		if number == 0 {
			err := workflow.ExecuteActivity(ctx, billing.SendEmail, Letter{plan.Customer, "welcome"}).Get(ctx, nil)
			if err != nil {
				return status, err
			}
		}
	}
	status.State = "completed"
	return status, nil
}
