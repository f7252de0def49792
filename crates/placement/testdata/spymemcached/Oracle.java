import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import net.spy.memcached.ArrayModNodeLocator;
import net.spy.memcached.DefaultHashAlgorithm;
import net.spy.memcached.KetamaNodeKeyFormatter.Format;
import net.spy.memcached.KetamaNodeLocator;
import net.spy.memcached.MemcachedNode;
import net.spy.memcached.NodeLocator;

/**
 * Asks spymemcached which server owns each key: Oracle ketama|libmemcached|weighted|mod HASH < questions (see vectors.py).
 * A locator knows its nodes by their addresses alone, so they are no more than that here.
 */
class Oracle {
    public static void main(String[] words) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        List<MemcachedNode> nodes = new ArrayList<>();
        Map<InetSocketAddress, Integer> weights = new HashMap<>();
        for (String line = lines.readLine(); !line.isEmpty(); line = lines.readLine()) {
            String[] server = line.split(" ");
            InetSocketAddress address = address(server, words[0].equals("libmemcached"));
            nodes.add(node(address));
            if (words[0].equals("weighted")) weights.put(address, Integer.valueOf(server[2]));
        }
        DefaultHashAlgorithm hash = DefaultHashAlgorithm.valueOf(words[1]);
        Format format = words[0].equals("libmemcached") ? Format.LIBMEMCACHED : Format.SPYMEMCACHED;
        NodeLocator locator = words[0].equals("mod")
            ? new ArrayModNodeLocator(nodes, hash)
            : new KetamaNodeLocator(nodes, hash, format, weights);
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(owner(locator, nodes, HexFormat.of().parseHex(line)));
        }
    }

    /** A key is a String to this client, so one that is no UTF-8 cannot be asked for. */
    static String owner(NodeLocator locator, List<MemcachedNode> nodes, byte[] key) {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(java.nio.ByteBuffer.wrap(key)).toString();
            return String.valueOf(nodes.indexOf(locator.getPrimary(text)));
        } catch (CharacterCodingException e) {
            return "-";
        }
    }

    /** As `new InetSocketAddress(host, port)` gives it, without asking the resolver of this machine. */
    static InetSocketAddress address(String[] server, boolean named) throws Exception {
        int port = Integer.parseInt(server[1]);
        boolean literal = server[0].matches("[0-9.]+");
        if (!literal && server[4].equals("-")) return InetSocketAddress.createUnresolved(server[0], port);
        byte[] bytes = InetAddress.getByName(literal ? server[0] : server[4]).getAddress();
        // A literal has no host name until somebody asks: the libmemcached format does, and the resolver would answer.
        String host = literal && !named ? null : server[0];
        return new InetSocketAddress(InetAddress.getByAddress(host, bytes), port);
    }

    static MemcachedNode node(InetSocketAddress address) {
        return (MemcachedNode) Proxy.newProxyInstance(
            Oracle.class.getClassLoader(), new Class<?>[] {MemcachedNode.class}, (self, method, arguments) ->
                switch (method.getName()) {
                    case "getSocketAddress" -> address;
                    case "hashCode" -> System.identityHashCode(self);
                    case "equals" -> self == arguments[0];
                    case "toString" -> address.toString();
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }
}
