package main

import (
	"context"
	"fmt"
	"os"
)

const (
	chargeType      = "Charge"
	chargeCardType  = "ChargeCard"
	sendEmailType   = "SendEmail"
	writeLedgerType = "WriteLedger"
)

// Charge is one payment. The gateway takes the money once for an idempotency key.
type Charge struct {
	IdempotencyKey string
	Customer       string
	AmountCents    int
}

// Letter is a message to a customer.
type Letter struct {
	Customer string
	Text     string
}

func charge(_ context.Context, charge Charge) error {
	return effect("charge " + charge.IdempotencyKey)
}

func sendEmail(_ context.Context, letter Letter) error {
	return effect("email " + letter.Text)
}

func writeLedger(_ context.Context, cents int) error {
	return effect(fmt.Sprintf("ledger %d", cents))
}

// rate is a local activity: how many percent of the price a customer pays.
func rate(_ context.Context, customer string) (int, error) {
	return 100, effect("rate " + customer)
}

// tax is a local activity too.
func tax(_ context.Context, cents int) (int, error) {
	return cents / 5, effect(fmt.Sprintf("tax %d", cents))
}

// effect appends a line to the file that EFFECTS names. Activities have no other effect, so the file shows which of
// them ran.
func effect(line string) error {
	path := os.Getenv("EFFECTS")
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = fmt.Fprintln(file, line)
	return err
}
