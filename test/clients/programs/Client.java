import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.HexFormat;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Usage: java Client.java URL CA-FILE. The requests of test/clients, by java.net.http: one client with its pool. */
public class Client {
    private final HttpClient client;
    private final String url;

    Client(String url, String caFile) throws Exception {
        this.url = url;
        var trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (var file = new FileInputStream(caFile)) {
            trusted.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        var managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(trusted);
        var context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        client = HttpClient.newBuilder().sslContext(context).connectTimeout(Duration.ofSeconds(20)).build();
    }

    void ask(String method, String path, byte[] body) throws Exception {
        var publisher = body == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body);
        var request = HttpRequest.newBuilder(URI.create(url + path)).timeout(Duration.ofSeconds(20));
        var answer = client.send(request.method(method, publisher).build(), BodyHandlers.ofByteArray());
        var digest = MessageDigest.getInstance("SHA-256").digest(answer.body());
        System.out.printf("%s %s %d %d %s%n", method, path, answer.statusCode(), answer.body().length,
            HexFormat.of().formatHex(digest));
    }

    public static void main(String[] words) throws Exception {
        var client = new Client(words[0], words[1]);
        client.ask("GET", "/small", null);
        client.ask("GET", "/large", null);
        client.ask("POST", "/echo", "x".repeat(100_000).getBytes());
        client.ask("HEAD", "/small", null);
        client.ask("GET", "/missing", null);
    }
}
