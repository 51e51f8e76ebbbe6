package check;

import io.temporal.activity.ActivityOptions;
import io.temporal.activity.LocalActivityOptions;
import io.temporal.common.SearchAttributeKey;
import io.temporal.workflow.Workflow;
import java.time.Duration;

/** The subscription workflow, in one version of its code. */
public class SubscriptionWorkflow implements Subscription {

  private static final Duration MONTH = Duration.ofDays(30);

  /** From this month on a customer counts as loyal. */
  private static final int LOYAL_AFTER = 7;

  private final Billing billing =
      Workflow.newActivityStub(
          Billing.class,
          ActivityOptions.newBuilder().setStartToCloseTimeout(Duration.ofMinutes(1)).build());
  private final Rates rates =
      Workflow.newLocalActivityStub(
          Rates.class,
          LocalActivityOptions.newBuilder().setStartToCloseTimeout(Duration.ofSeconds(5)).build());

  private final Version version;
  private Status status = new Status("active", 0, 0);
  private String customer;
  private int priceCents;
  private boolean cancelRequested;

  public SubscriptionWorkflow(Version version) {
    this.version = version;
  }

  @Override
  public Status run(Plan plan) {
    customer = plan.customer();
    priceCents = plan.priceCents();
    begin();
    for (int month = 1; month <= plan.renewals(); month++) {
      if (waitMonth()) {
        return end("cancelled");
      }
      renew(month);
    }
    return end("completed");
  }

  @Override
  public void cancel() {
    cancelRequested = true;
  }

  @Override
  public int changePrice(int cents) {
    int before = priceCents;
    priceCents = cents;
    email("the price is " + cents + " cents now");
    if (version == Version.UPDATE) {
      billing.writeLedger(cents);
    }
    return before;
  }

  @Override
  public Status status() {
    return status;
  }

  /** Rates the customer, takes the first charge, gives a receipt for it, and welcomes the customer. */
  private void begin() {
    if (version == Version.SEARCH_ATTRIBUTES) {
      Workflow.upsertTypedSearchAttributes(
          SearchAttributeKey.forKeyword("CustomerId").valueSet(customer));
    }
    priceCents = priceCents * rates.rate(customer) / 100;
    if (version == Version.LOCAL_ACTIVITY) {
      rates.tax(priceCents);
    }
    if (version == Version.REORDERED) {
      email("welcome");
    }
    charge(0);
    receipt();
    if (version != Version.REORDERED) {
      email("welcome");
    }
  }

  /** Waits for the next month, and says whether the customer left before it. */
  private boolean waitMonth() {
    boolean thanks = version == Version.ADDED;
    if (version == Version.PATCHED) {
      thanks = Workflow.getVersion("thanks", Workflow.DEFAULT_VERSION, 1) == 1;
    }
    if (thanks) {
      email("thank you");
    }
    Duration span = version == Version.TIMER ? MONTH.plusDays(1) : MONTH;
    return Workflow.await(span, () -> cancelRequested);
  }

  /** Takes a month's charge, which is smaller for a loyal customer. */
  private void renew(int month) {
    if (month >= LOYAL_AFTER && discounts()) {
      if (month == LOYAL_AFTER) {
        priceCents = priceCents * 9 / 10;
      }
      email("you pay less, for you stayed");
    }
    charge(month);
  }

  private boolean discounts() {
    return switch (version) {
      case BEFORE -> false;
      case REMOVED -> true;
      default -> Workflow.getVersion("loyalty-discount", Workflow.DEFAULT_VERSION, 1) == 1;
    };
  }

  private void charge(int month) {
    String number = version == Version.INPUT ? "month-" + month : String.valueOf(month);
    String key = Workflow.getInfo().getWorkflowId() + "/" + number;
    Billing.Charge charge = new Billing.Charge(key, customer, priceCents);
    if (version == Version.FORGOTTEN) {
      billing.chargeCard(charge);
    } else {
      billing.charge(charge);
    }
    status = new Status("active", status.charges() + 1, status.paidCents() + charge.amountCents());
  }

  private void email(String text) {
    billing.sendEmail(new Billing.Letter(customer, text));
  }

  /** Waits for the child workflow that writes the receipt. */
  private void receipt() {
    if (version == Version.CHILD) {
      Workflow.newChildWorkflowStub(Invoice.class).write(customer);
    } else {
      Workflow.newChildWorkflowStub(Receipt.class).write(customer);
    }
  }

  private Status end(String state) {
    status = new Status(state, status.charges(), status.paidCents());
    return status;
  }
}
