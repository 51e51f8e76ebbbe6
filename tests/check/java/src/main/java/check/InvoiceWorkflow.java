package check;

/** The receipt workflow by its later name. */
public class InvoiceWorkflow implements Invoice {

  private final ReceiptWorkflow receipt = new ReceiptWorkflow();

  @Override
  public void write(String customer) {
    receipt.write(customer);
  }
}
