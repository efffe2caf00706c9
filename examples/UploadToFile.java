// SPDX-License-Identifier: Apache-2.0
// java --enable-native-access=ALL-UNNAMED -cp core/target/classes examples/UploadToFile.java PORT FILE
// Receives one upload of at most a gigabyte over TCP (nc -N localhost PORT < big.iso) into a file, by splice.
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import io.sluice.*;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;

void main(String[] args) throws Exception {
    if (args.length != 2) {
        System.err.println("usage: UploadToFile.java PORT FILE");
        System.exit(2);
    }
    InetSocketAddress here = new InetSocketAddress("localhost", Integer.parseInt(args[0]));
    try (Sluice sluice = Sluice.open();
            Listener listener = sluice.listen(here);
            FileEnd file = sluice.open(Path.of(args[1]), WRITE, CREATE_NEW)) {
        IO.println("listening on " + listener.localAddress());
        try (SocketEnd client = listener.accept()) {
            TransferResult upload =
                    sluice.transfer(client).to(file).limit(1L << 30).deadline(Duration.ofMinutes(10)).run();
            file.sync();
            IO.println(upload.bytes() + " bytes " + upload.bytesByPath() + ", " + upload.ending());
        }
    }
}
