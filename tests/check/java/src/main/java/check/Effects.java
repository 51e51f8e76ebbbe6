package check;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The activities. Each has one effect: it appends a line to the file that EFFECTS names, so that the file shows which
 * of them ran.
 */
public class Effects implements Billing, Rates {

  @Override
  public void charge(Charge charge) {
    append("charge " + charge.idempotencyKey());
  }

  @Override
  public void chargeCard(Charge charge) {
    append("charge " + charge.idempotencyKey());
  }

  @Override
  public void sendEmail(Letter letter) {
    append("email " + letter.text());
  }

  @Override
  public void writeLedger(int cents) {
    append("ledger " + cents);
  }

  @Override
  public int rate(String customer) {
    append("rate " + customer);
    return 100;
  }

  @Override
  public int tax(int cents) {
    append("tax " + cents);
    return cents / 5;
  }

  private static void append(String line) {
    String path = System.getenv("EFFECTS");
    if (path == null) {
      return;
    }
    try {
      Files.writeString(
          Path.of(path), line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
