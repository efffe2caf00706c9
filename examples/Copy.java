// SPDX-License-Identifier: Apache-2.0
// java --enable-native-access=ALL-UNNAMED -cp core/target/classes examples/Copy.java FROM TO SECOND
import static java.nio.file.StandardOpenOption.*;

import io.sluice.*;
import java.nio.file.Path;

void main(String[] args) throws Exception {
    if (args.length != 3) {
        System.err.println("usage: Copy.java FROM TO SECOND");
        System.exit(2);
    }
    try (Sluice sluice = Sluice.open();
            FileEnd from = sluice.open(Path.of(args[0]));
            FileEnd to = sluice.open(Path.of(args[1]), WRITE, CREATE, TRUNCATE_EXISTING);
            FileEnd second = sluice.open(Path.of(args[2]), WRITE, CREATE, TRUNCATE_EXISTING)) {
        TransferResult moved = sluice.transfer(from).to(to).mirrorTo(second, WhenFull.BLOCK).run();
        IO.println(moved.bytes() + " bytes " + moved.bytesByPath() + ", in user space " + moved.userSpaceBytes());
    }
}
