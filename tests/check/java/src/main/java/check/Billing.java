package check;

import io.temporal.activity.ActivityInterface;

/** The world outside of the workflow. */
@ActivityInterface
public interface Billing {

  /** Takes the money, once for a key. */
  void charge(Charge charge);

  /** What charge is called from {@link Version#FORGOTTEN} on. */
  void chargeCard(Charge charge);

  /** Writes to the customer. */
  void sendEmail(Letter letter);

  /** Writes a price down. */
  void writeLedger(int cents);

  /** One payment. */
  record Charge(String idempotencyKey, String customer, int amountCents) {}

  /** A message to a customer. */
  record Letter(String customer, String text) {}
}
