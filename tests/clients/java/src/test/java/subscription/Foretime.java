package subscription;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.Objects;

/** A server of a test's own, so that no other test moves its clock. The binary starts in milliseconds. */
final class Foretime implements AutoCloseable {

  private static final String BINARY = System.getenv("FORETIME");

  private final Process process;
  private final String address;

  private Foretime(Process process, String address) {
    this.process = process;
    this.address = address;
  }

  /** Starts the binary that the environment variable FORETIME names. */
  static Foretime start() throws IOException {
    Objects.requireNonNull(BINARY, "set FORETIME to the path of the binary");
    // Port 0 takes a free port; the first line of output tells which. Time is to skip exactly while a client awaits the
    // end of a workflow or the outcome of an update.
    Process process =
        new ProcessBuilder(BINARY, "serve", "--port", "0", "--time", "awaited")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String line = new BufferedReader(new InputStreamReader(process.getInputStream())).readLine();
    if (line == null) {
      throw new IOException("the server ended before it listened");
    }
    return new Foretime(process, line.substring(line.lastIndexOf(' ') + 1));
  }

  /** Where clients and workers find it. */
  String address() {
    return address;
  }

  /** Lets this much time pass, such as {@code 45d}, and waits until the workers have done all that fell due. */
  void skip(String span) throws IOException, InterruptedException {
    Process skip =
        new ProcessBuilder(BINARY, "time", "skip", span, "--settle", "--address", address).inheritIO().start();
    if (skip.waitFor() != 0) {
      throw new IOException("time cannot be skipped");
    }
  }

  @Override
  public void close() {
    process.destroy();
  }
}
