// SPDX-License-Identifier: Apache-2.0
// java --enable-native-access=ALL-UNNAMED -cp core/target/classes examples/TeeDigest.java FROM TO
// Copies a file and computes its digest on the way: the copy is spliced, and a duplicate made by tee is looked at.
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import io.sluice.*;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;

void main(String[] args) throws Exception {
    if (args.length != 2) {
        System.err.println("usage: TeeDigest.java FROM TO");
        System.exit(2);
    }
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    try (Sluice sluice = Sluice.open();
            FileEnd from = sluice.open(Path.of(args[0]));
            FileEnd to = sluice.open(Path.of(args[1]), WRITE, CREATE, TRUNCATE_EXISTING);
            CodeSink look = sluice.sink(bytes -> digest.update(bytes.asByteBuffer()))) {
        TransferResult moved = sluice.transfer(from).to(to).mirrorTo(look, WhenFull.BLOCK).run();
        look.finish(); // until the last byte has been digested
        IO.println(HexFormat.of().formatHex(digest.digest()) + "  " + moved.bytes() + " bytes " + moved.bytesByPath());
    }
}
