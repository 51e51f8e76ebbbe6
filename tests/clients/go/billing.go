package subscription

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Charge is one payment. The gateway takes the money once for an idempotency key.
type Charge struct {
	IdempotencyKey string
	Customer       string
	AmountCents    int
	Due            time.Time
}

// Letter is a message to, or about, a customer.
type Letter struct {
	Customer string
	Text     string
}

// Billing is the world outside the workflow: a payment gateway that can fail, and an outbox. Its methods are the
// activities, and it remembers what happened.
type Billing struct {
	// The first so many attempts of each charge fail before the money is taken.
	Failures int
	// The next so many attempts fail after it is taken.
	LostReplies int

	mutex       sync.Mutex // A worker runs many activities at once.
	Attempts    map[string]int
	Taken       []Charge // in the order of the payments
	Emails      []Letter
	Escalations []Letter
}

// Charge takes the money, once for a key.
func (b *Billing) Charge(_ context.Context, charge Charge) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.Attempts == nil {
		b.Attempts = map[string]int{}
	}
	b.Attempts[charge.IdempotencyKey]++
	attempt := b.Attempts[charge.IdempotencyKey]
	if attempt <= b.Failures {
		return errors.New("the gateway is down")
	}
	known := slices.ContainsFunc(b.Taken, func(taken Charge) bool { return taken.IdempotencyKey == charge.IdempotencyKey })
	if !known {
		b.Taken = append(b.Taken, charge)
	}
	if attempt <= b.Failures+b.LostReplies {
		return errors.New("the reply was lost")
	}
	return nil
}

// SendEmail writes to the customer.
func (b *Billing) SendEmail(_ context.Context, letter Letter) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.Emails = append(b.Emails, letter)
	return nil
}

// Escalate tells a human.
func (b *Billing) Escalate(_ context.Context, letter Letter) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.Escalations = append(b.Escalations, letter)
	return nil
}
