// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a capture comes to, as text: {@code client:ask server:answer client. server.}; a gap is {@code client~5}. */
final class Told {
    private Told() {}

    static List<String> by(Path directory, byte[]... files) throws IOException {
        try (Capture capture = open(directory, files)) {
            List<String> told = new ArrayList<>();
            for (Conversation each : capture.conversations()) {
                told.add(by(each));
            }
            return told;
        }
    }

    static Capture open(Path directory, byte[]... files) throws IOException {
        List<Path> paths = new ArrayList<>();
        for (byte[] each : files) {
            paths.add(Files.write(Files.createTempFile(directory, "test", ".cap"), each));
        }
        return Capture.open(paths);
    }

    static String by(Conversation conversation) throws IOException {
        StringBuilder text = new StringBuilder();
        Events events = conversation.events();
        for (@Nullable Event event = events.next(); event != null; event = events.next()) {
            text.append(text.isEmpty() ? "" : " ").append(event.side());
            switch (event) {
                case Event.Piece piece -> {
                    ByteBuffer bytes = ByteBuffer.allocate(piece.length());
                    conversation.read(piece, 0, bytes);
                    text.append(':').append(new String(bytes.array(), ISO_8859_1));
                }
                case Event.Gap gap -> text.append('~').append(gap.length());
                case Event.End _ -> text.append('.');
                case Event.Reset _ -> text.append('!');
            }
        }
        return text.toString();
    }
}
