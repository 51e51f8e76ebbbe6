package check;

import io.temporal.activity.ActivityInterface;

/** What a price is made of. Workflows run these as local activities. */
@ActivityInterface
public interface Rates {

  /** How many percent of the price a customer pays. */
  int rate(String customer);

  /** The tax in a price. */
  int tax(int cents);
}
