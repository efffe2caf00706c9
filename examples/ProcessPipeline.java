// SPDX-License-Identifier: Apache-2.0
// java --enable-native-access=ALL-UNNAMED -cp core/target/classes examples/ProcessPipeline.java FILE
// Does what the shell does for "sort < FILE | uniq -c", by pipes of ours; the file goes in by splice.
import static java.lang.ProcessBuilder.Redirect.INHERIT;

import io.sluice.*;
import java.nio.file.Path;

void main(String[] args) throws Exception {
    try (Sluice sluice = Sluice.open();
            FileEnd file = sluice.open(Path.of(args[0]));
            Pipe unsorted = sluice.pipe(1 << 20);
            Pipe sorted = sluice.pipe(1 << 20)) {
        Process sort = new ProcessBuilder("sort")
                .redirectInput(unsorted.reader().redirect())
                .redirectOutput(sorted.writer().redirect())
                .redirectError(INHERIT)
                .start();
        Process count = new ProcessBuilder("uniq", "-c")
                .inheritIO()
                .redirectInput(sorted.reader().redirect())
                .start();
        sorted.close(); // both processes have descriptions of their own
        unsorted.reader().close();

        TransferResult moved = sluice.transfer(file).to(unsorted.writer()).run();
        unsorted.writer().close(); // the end of what is to be sorted
        IO.println("sort and uniq ended with " + sort.waitFor() + " and " + count.waitFor());
        IO.println(moved.bytes() + " bytes went in " + moved.bytesByPath());
    }
}
