// SPDX-License-Identifier: Apache-2.0
// java --enable-native-access=ALL-UNNAMED -cp core/target/classes examples/TeeDigest.java FROM TO
// Copies a file and computes its digest on the way: the copy is spliced, and a duplicate made by tee is looked at.
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import io.sluice.*;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.concurrent.FutureTask;

void main(String[] args) throws Exception {
    try (Sluice sluice = Sluice.open();
            FileEnd from = sluice.open(Path.of(args[0]));
            FileEnd to = sluice.open(Path.of(args[1]), WRITE, CREATE, TRUNCATE_EXISTING);
            Pipe branch = sluice.pipe(1 << 20)) {
        FutureTask<byte[]> digest = new FutureTask<>(() -> digestOf(branch.reader()));
        Thread.startVirtualThread(digest);
        TransferResult moved = sluice.transfer(from).to(to).mirrorTo(branch.writer(), WhenFull.BLOCK).run();
        branch.writer().close(); // the end of the stream that is digested
        IO.println(HexFormat.of().formatHex(digest.get()) + "  " + moved.bytes() + " bytes " + moved.bytesByPath());
    }
}

byte[] digestOf(PipeReader reader) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    try (Arena arena = Arena.ofConfined()) {
        MemorySegment buffer = arena.allocate(64 << 10);
        for (long n = reader.read(buffer); n >= 0; n = reader.read(buffer)) {
            digest.update(buffer.asSlice(0, n).asByteBuffer());
        }
    }
    return digest.digest();
}
