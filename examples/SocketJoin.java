// SPDX-License-Identifier: Apache-2.0
// java --enable-native-access=ALL-UNNAMED -cp core/target/classes examples/SocketJoin.java LISTEN-PORT HOST PORT
// Relays TCP: whoever connects is joined with HOST:PORT, both ways by splice, on a virtual thread.
import io.sluice.*;
import java.net.InetSocketAddress;
import java.time.Duration;

void main(String[] args) throws Exception {
    if (args.length != 3) {
        System.err.println("usage: SocketJoin.java LISTEN-PORT HOST PORT");
        System.exit(2);
    }
    InetSocketAddress here = new InetSocketAddress("localhost", Integer.parseInt(args[0]));
    InetSocketAddress there = new InetSocketAddress(args[1], Integer.parseInt(args[2]));
    try (Sluice sluice = Sluice.open();
            Listener listener = sluice.listen(here)) {
        IO.println("listening on " + listener.localAddress());
        while (true) {
            SocketEnd client = listener.accept();
            Thread.startVirtualThread(() -> relay(sluice, client, there));
        }
    }
}

void relay(Sluice sluice, SocketEnd accepted, InetSocketAddress there) {
    try (SocketEnd client = accepted;
            SocketEnd server = sluice.connect(there, Duration.ofSeconds(10))) {
        Join.Result joined = sluice.join(client, server).idle(Duration.ofMinutes(10)).run();
        IO.println(told("forth", joined.forth()) + "; " + told("back", joined.back()));
    } catch (IOException e) {
        IO.println(e.getMessage());
    }
}

String told(String direction, Join.Way way) {
    TransferResult moved = way.moved();
    return direction + " " + moved.bytes() + " bytes " + moved.bytesByPath() + ", " + moved.ending();
}
