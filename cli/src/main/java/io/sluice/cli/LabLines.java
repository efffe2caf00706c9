// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Path;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;

/** Where the lab's lines come from. */
interface LabLines extends AutoCloseable {
    String PROMPT = "> ";

    /** The next line; null at the end. */
    @Nullable
    String next() throws IOException;

    @Override
    void close() throws IOException;

    /** From a file or a pipe; each is repeated, so that what comes out can be read by itself. */
    static LabLines plain(InputStream in, PrintStream out) {
        BufferedReader lines = new BufferedReader(new InputStreamReader(in, UTF_8));
        return new LabLines() {
            @Override
            public @Nullable String next() throws IOException {
                String line = lines.readLine();
                if (line != null) {
                    out.println(PROMPT + line);
                }
                return line;
            }

            @Override
            public void close() {}
        };
    }

    /** From somebody at a terminal, with a history that outlives the session. */
    static LabLines edited() throws IOException {
        Terminal terminal = TerminalBuilder.builder().system(true).build();
        LineReader reader = LineReaderBuilder.builder()
                .terminal(terminal)
                .appName("sluice lab")
                .variable(LineReader.HISTORY_FILE, Path.of(System.getProperty("user.home"), ".sluice_lab_history"))
                .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true) // "!" begins an error here
                .build();
        return new LabLines() {
            @Override
            public @Nullable String next() {
                try {
                    return reader.readLine(PROMPT);
                } catch (UserInterruptException e) {
                    return ""; // Ctrl-C throws the line away
                } catch (EndOfFileException e) {
                    return null;
                }
            }

            @Override
            public void close() throws IOException {
                reader.getHistory().save();
                terminal.close();
            }
        };
    }
}
