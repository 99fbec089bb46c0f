import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.util.List;
import org.h2.mvstore.MVStore;

/** A MongoDB-compatible server on a file: MongoMain host port file. */
public class MongoMain {
    /** What it says it is: the oldest that today's drivers talk to. */
    private static final MongoVersion VERSION = new MongoVersion() {
        public List<Integer> getVersionArray() { return List.of(5, 0, 0); }
        public int getWireVersion() { return 13; }
    };

    public static void main(String[] args) {
        MVStore store = new MVStore.Builder().fileName(args[2]).autoCommitBufferSize(4096).open();
        store.setAutoCommitDelay(50); // milliseconds until what was acknowledged is on disk
        H2Backend backend = new H2Backend(store);
        backend.version(VERSION);
        MongoServer server = new MongoServer(backend);
        server.bind(args[0], Integer.parseInt(args[1]));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
        System.out.println("listens on " + server.getConnectionString());
    }
}
