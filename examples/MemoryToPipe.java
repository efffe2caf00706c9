// SPDX-License-Identifier: Apache-2.0
// java --enable-native-access=ALL-UNNAMED -cp core/target/classes examples/MemoryToPipe.java MEGABYTES
// Puts memory into a pipe by reference (vmsplice) for sha256sum to read, and then gives the pages away.
import static java.lang.ProcessBuilder.Redirect.INHERIT;

import io.sluice.*;

void main(String[] args) throws Exception {
    if (args.length != 1) {
        System.err.println("usage: MemoryToPipe.java MEGABYTES");
        System.exit(2);
    }
    long bytes = Long.parseLong(args[0]) << 20;
    try (Sluice sluice = Sluice.open();
            Pipe pipe = sluice.pipe(1 << 20);
            PageMemory header = sluice.pages(1, false)) {
        Process sum = new ProcessBuilder("sha256sum")
                .redirectInput(pipe.reader().redirect())
                .redirectOutput(INHERIT)
                .redirectError(INHERIT)
                .start();
        pipe.reader().close(); // sha256sum has a description of its own

        // A slice stays ours, and must not be written again before it has been read.
        header.segment().setString(0, "zeros\n");
        long referred = pipe.writer().vmsplice(header.slice(0, 6));

        // Memory that is given away needs no such care: nobody can reach it any more.
        PageMemory body = sluice.pages(bytes, true);
        body.giftTo(pipe.writer());

        pipe.writer().close(); // the end of what is summed
        IO.println("sha256sum ended with " + sum.waitFor() + "; " + referred + " bytes by reference, "
                + bytes + " given");
    }
}
