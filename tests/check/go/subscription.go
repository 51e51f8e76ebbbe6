package main

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

const month = 30 * 24 * time.Hour

// loyalAfter is the month from which on a customer counts as loyal.
const loyalAfter = 7

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

// Subscriptions is the workflow code in one version.
type Subscriptions struct {
	version Version
}

// subscription is one run of the workflow.
type subscription struct {
	version Version
	plan    Plan
	status  Status
}

// Subscription charges now and after each month, until the renewals are over or the customer leaves. It ends
// "completed" or "cancelled".
func (s *Subscriptions) Subscription(ctx workflow.Context, plan Plan) (Status, error) {
	run := &subscription{version: s.version, plan: plan, status: Status{State: "active"}}
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: 5 * time.Second})
	if err := run.handle(ctx); err != nil {
		return run.status, err
	}
	if err := run.begin(ctx); err != nil {
		return run.status, err
	}
	for number := 1; number <= plan.Renewals; number++ {
		left, err := run.waitMonth(ctx)
		if err != nil {
			return run.status, err
		}
		if left {
			run.status.State = "cancelled"
			return run.status, nil
		}
		if err := run.renew(ctx, number); err != nil {
			return run.status, err
		}
	}
	run.status.State = "completed"
	return run.status, nil
}

// handle sets the handlers of the query and of the update.
func (s *subscription) handle(ctx workflow.Context) error {
	if err := workflow.SetQueryHandler(ctx, "status", func() (Status, error) { return s.status, nil }); err != nil {
		return err
	}
	return workflow.SetUpdateHandler(ctx, "change_price", s.changePrice)
}

// begin rates the customer, takes the first charge, gives a receipt for it, and welcomes the customer.
func (s *subscription) begin(ctx workflow.Context) error {
	if s.version == SearchAttributes {
		customer := temporal.NewSearchAttributeKeyKeyword("CustomerId").ValueSet(s.plan.Customer)
		if err := workflow.UpsertTypedSearchAttributes(ctx, customer); err != nil {
			return err
		}
	}
	var percent int
	if err := workflow.ExecuteLocalActivity(ctx, rate, s.plan.Customer).Get(ctx, &percent); err != nil {
		return err
	}
	s.plan.PriceCents = s.plan.PriceCents * percent / 100
	if s.version == LocalActivity {
		if err := workflow.ExecuteLocalActivity(ctx, tax, s.plan.PriceCents).Get(ctx, nil); err != nil {
			return err
		}
	}
	if s.version == Reordered {
		if err := s.email(ctx, "welcome"); err != nil {
			return err
		}
	}
	if err := s.charge(ctx, 0); err != nil {
		return err
	}
	if err := s.receipt(ctx); err != nil {
		return err
	}
	if s.version != Reordered {
		return s.email(ctx, "welcome")
	}
	return nil
}

// waitMonth waits for the next month, and says whether the customer left before it.
func (s *subscription) waitMonth(ctx workflow.Context) (bool, error) {
	thanks := s.version == Added
	if s.version == Patched {
		thanks = workflow.GetVersion(ctx, "thanks", workflow.DefaultVersion, 1) == 1
	}
	if thanks {
		if err := s.email(ctx, "thank you"); err != nil {
			return false, err
		}
	}
	span := month
	if s.version == Timer {
		span += 24 * time.Hour
	}
	left, _ := workflow.GetSignalChannel(ctx, "cancel").ReceiveWithTimeout(ctx, span, nil)
	return left, nil
}

// renew takes a month's charge, which is smaller for a loyal customer.
func (s *subscription) renew(ctx workflow.Context, number int) error {
	if number >= loyalAfter && s.discounts(ctx) {
		if number == loyalAfter {
			s.plan.PriceCents = s.plan.PriceCents * 9 / 10
		}
		if err := s.email(ctx, "you pay less, for you stayed"); err != nil {
			return err
		}
	}
	return s.charge(ctx, number)
}

func (s *subscription) discounts(ctx workflow.Context) bool {
	switch s.version {
	case Before:
		return false
	case Removed:
		return true
	default:
		return workflow.GetVersion(ctx, "loyalty-discount", workflow.DefaultVersion, 1) == 1
	}
}

// changePrice is the update: it takes effect with the next charge, and the customer is told.
func (s *subscription) changePrice(ctx workflow.Context, cents int) (int, error) {
	before := s.plan.PriceCents
	s.plan.PriceCents = cents
	if err := s.email(ctx, fmt.Sprintf("the price is %d cents now", cents)); err != nil {
		return before, err
	}
	if s.version == Update {
		return before, execute(ctx, writeLedgerType, cents)
	}
	return before, nil
}

func (s *subscription) charge(ctx workflow.Context, number int) error {
	activityType := chargeType
	if s.version == Forgotten {
		activityType = chargeCardType
	}
	key := fmt.Sprintf("%s/%d", workflow.GetInfo(ctx).WorkflowExecution.ID, number)
	if s.version == Input {
		key = fmt.Sprintf("%s/month-%d", workflow.GetInfo(ctx).WorkflowExecution.ID, number)
	}
	charge := Charge{IdempotencyKey: key, Customer: s.plan.Customer, AmountCents: s.plan.PriceCents}
	if err := execute(ctx, activityType, charge); err != nil {
		return err
	}
	s.status.Charges++
	s.status.PaidCents += charge.AmountCents
	return nil
}

func (s *subscription) email(ctx workflow.Context, text string) error {
	return execute(ctx, sendEmailType, Letter{s.plan.Customer, text})
}

// receipt waits for the child workflow that writes the receipt.
func (s *subscription) receipt(ctx workflow.Context) error {
	workflowType := "Receipt"
	if s.version == Child {
		workflowType = "Invoice"
	}
	return workflow.ExecuteChildWorkflow(ctx, workflowType, s.plan.Customer).Get(ctx, nil)
}

// Receipt sends a receipt to a customer.
func Receipt(ctx workflow.Context, customer string) error {
	return execute(ctx, sendEmailType, Letter{customer, "your receipt"})
}

// execute runs an activity and waits for it.
func execute(ctx workflow.Context, activityType string, input any) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	return workflow.ExecuteActivity(ctx, activityType, input).Get(ctx, nil)
}
