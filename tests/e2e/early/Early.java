/* One request with java.net.http: Early URL BYTES [NAME VALUE]. Prints the status, or the error. Any certificate
 * will do. */
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.cert.X509Certificate;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

public class Early {
  static class Trusting extends X509ExtendedTrustManager {
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
    public void checkClientTrusted(X509Certificate[] chain, String type) {}
    public void checkServerTrusted(X509Certificate[] chain, String type) {}
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}
  }

  public static void main(String[] args) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new Trusting()}, null);
    HttpClient client = HttpClient.newBuilder().sslContext(context).build();
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(args[0])).timeout(Duration.ofSeconds(20));
    int bytes = Integer.parseInt(args[1]);
    if (bytes > 0) request.POST(HttpRequest.BodyPublishers.ofByteArray(new byte[bytes]));
    if (args.length > 2) request.header(args[2], args[3]);
    try {
      HttpResponse<byte[]> response = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      System.out.println(response.version() + " " + response.statusCode());
    } catch (Exception error) {
      System.out.println(error);
    }
    System.exit(0);
  }
}
