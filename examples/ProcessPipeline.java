// SPDX-License-Identifier: Apache-2.0
// java --enable-native-access=ALL-UNNAMED -cp core/target/classes examples/ProcessPipeline.java FILE
// Does what the shell does for "sort < FILE | uniq -c", by pipes of ours; the file goes in by splice.
import static java.lang.ProcessBuilder.Redirect.INHERIT;

import io.sluice.*;
import java.nio.file.Path;

void main(String[] args) throws Exception {
    if (args.length != 1) {
        System.err.println("usage: ProcessPipeline.java FILE");
        System.exit(2);
    }
    ProcessBuilder sort = new ProcessBuilder("sort").redirectError(INHERIT);
    ProcessBuilder count = new ProcessBuilder("uniq", "-c").redirectError(INHERIT).redirectOutput(INHERIT);
    try (Sluice sluice = Sluice.open();
            FileEnd file = sluice.open(Path.of(args[0]));
            var pipeline = sluice.pipeline(List.of(sort, count))) {
        TransferResult moved = sluice.transfer(file).to(pipeline.in()).run();
        pipeline.in().close(); // the end of what is to be sorted
        IO.println("sort and uniq ended with " + pipeline.waitFor());
        IO.println(moved.bytes() + " bytes went in " + moved.bytesByPath());
    }
}
